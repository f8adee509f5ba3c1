/* SPDX-License-Identifier: MIT */
/*
 * The Nth read of an object of each format fails, is short, gives nothing or other bytes than before, for every N of a run that asks for all that the
 * library tells of it: nothing crashes (the sanitizer build looks), and what could not be read is missing from the answer, not wrong in it.
 */
#include "objects.h"

enum fault { FAULT_NONE, FAULT_ERROR, FAULT_SHORT, FAULT_EMPTY, FAULT_CHANGED };

struct source {
	uint8_t *bytes;
	size_t size;
	uint64_t reads, nth;          /* so far; the one that goes wrong */
	bool sticky;                  /* and all after it */
	enum fault fault;
};

static enum wb_err read_source(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	struct source *source = arg;
	uint64_t nth = ++source->reads;
	size_t left = offset < source->size ? source->size - (size_t)offset : 0, got = count < left ? count : left;
	enum fault fault = nth == source->nth || (source->sticky && nth > source->nth) ? source->fault : FAULT_NONE;

	if (fault == FAULT_ERROR)
		return WB_ERR_IO;
	if (fault == FAULT_SHORT)
		got /= 2;
	if (fault == FAULT_EMPTY)
		got = 0;
	memcpy(buffer, source->bytes + offset, got);
	for (size_t i = 0; fault == FAULT_CHANGED && i < got; i += 61)
		((uint8_t *)buffer)[i] ^= 0x5a;
	*ret_got = got;
	return WB_OK;
}

static enum wb_err tell_of_source(struct source *source, const char *name, struct output *output)
{
	const struct wb_source given = { .size = sizeof given, .length = source->size, .arg = source, .read = read_source };
	struct wb_session *session;
	struct wb_image *image;
	enum wb_err err;

	source->reads = 0;
	output->size = 0;
	if (wb_session_new(NULL, &session) != WB_OK)
		return WB_ERR_MEMORY;
	err = wb_image_open_source(session, name, &given, 0, &image);
	if (!err) {
		err = tell_of_image(session, image, output);
		wb_image_unref(image);
	}
	wb_session_free(session);
	return err;
}

static bool has_string(const struct source *source, const char *name)
{
	size_t length = strlen(name) + 1;

	for (size_t at = 0; at + length <= source->size; at++)
		if (!memcmp(source->bytes + at, name, length))
			return true;
	return false;
}

/* Names are the object's own, or a question mark. They may be those of functions before, where the next one is not known: symbols without sizes go on to
 * the next. Rows by the code depend on that, too. */
static void check_names(const struct source *source, struct output *actual, struct output *expect)
{
	char *end = actual->text + actual->size;

	*end = expect->text[expect->size] = 0;
	for (char *line = actual->text, *next; line < end; line = next) {
		const char *name = strchr(line, ' ') + 1;

		next = strchr(line, '\n') + 1;
		next[-1] = 0;
		/* Lines of rows have more words. */
		if (!strchr(name, ' ') && strcmp(name, "?") != 0)
			test_check(strstr(expect->text, name) || has_string(source, name), TEST_WHERE, "the name %s is new", name);
	}
}

static void check_object(const struct object *object, struct source *source)
{
	static const struct { const char *name; enum fault fault; bool sticky; } rows[] = {
		{ "fails", FAULT_ERROR, false }, { "is short", FAULT_SHORT, false }, { "gives nothing", FAULT_EMPTY, false }, { "changed", FAULT_CHANGED, false },
		{ "fails, and all after it", FAULT_ERROR, true }, { "is short, and all after it", FAULT_SHORT, true },
		{ "gives nothing, and all after it", FAULT_EMPTY, true }, { "changed, and all after it", FAULT_CHANGED, true },
	};
	static struct output expect, actual;
	uint64_t total;

	CHECK_EQ_I64(tell_of_source(source, object->name, &expect), WB_OK);
	CHECK(expect.size > 0 && expect.size < sizeof expect.text);
	total = source->reads;
	printf("%s: %" PRIu64 " reads\n", object->name, total);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		source->fault = rows[i].fault;
		source->sticky = rows[i].sticky;
		for (source->nth = 1; source->nth <= total; source->nth++) {
			char row[128];
			enum wb_err err;

			snprintf(row, sizeof row, "%s, read %" PRIu64 " %s", object->name, source->nth, rows[i].name);
			test_row(row);
			err = tell_of_source(source, object->name, &actual);
			CHECK(err == WB_OK || err == WB_NONE || err == WB_ERR_IO || err == WB_ERR_DATA || err == WB_ERR_UNSUPPORTED || err == WB_ERR_LIMIT);
			if (source->fault != FAULT_CHANGED)
				check_names(source, &actual, &expect);
		}
	}
	test_row(NULL);
}

static void reads_go_wrong(void)
{
	write_go_object();
	for (size_t i = 0; i < NUM_OBJECTS; i++) {
		struct source source = { .fault = FAULT_NONE };

		source.bytes = (uint8_t *)test_read_file(object_path(&objects[i]), &source.size);
		REQUIRE(source.bytes);
		check_object(&objects[i], &source);
		free(source.bytes);
	}
}

int main(void)
{
	TEST_RUN(reads_go_wrong);
	return test_summary();
}
