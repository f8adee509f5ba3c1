/* SPDX-License-Identifier: MIT */
/* Files of images: which are used with which verdict, when finders are asked again, and the objects that belong to an image. */
#include "test.h"

#include "unit/image_made.h"

/* ---- Verdicts --------------------------------------------------------------------------------------------------------------------- */

struct judgement {
	const char *name;
	const char *first, *second;   /* what the finder offers */
	const uint8_t *id;            /* wanted */
	bool on_host, forced, trust;
	enum wb_verdict expect;
	const char *used;             /* NULL: none */
};

static void judge(const struct judgement *row)
{
	struct wb_session *session = new_session(row->trust);
	struct script script = { .count = 0 };
	struct wb_image_info info = { .size = sizeof info };
	struct wb_wanted wanted = { .size = sizeof wanted };
	struct wb_image *image = new_image(session, "/recorded", row->id);
	struct wb_object *object = NULL;
	enum wb_err expect = row->used ? WB_OK : WB_NONE;

	for (int k = 0; k < 2; k++) {
		const char *path = k ? row->second : row->first;

		if (path) {
			script.offers[script.count].path = path;
			script.offers[script.count].on_host = row->on_host;
			script.offers[script.count++].forced = row->forced;
		}
	}
	wb_session_add_finder(session, find_scripted, &script, NULL);
	CHECK_EQ_U64(wb_image_verdict(image, WB_FILE_EXECUTABLE), WB_VERDICT_NOT_TRIED);
	CHECK_EQ_I64(wb_image_object(image, WB_FILE_EXECUTABLE, &object), expect);
	CHECK_EQ_U64(wb_image_verdict(image, WB_FILE_EXECUTABLE), row->expect);
	unsigned asked = atomic_load(&script.asked);
	CHECK_EQ_I64(wb_image_object(image, WB_FILE_EXECUTABLE, &object), expect);
	CHECK_EQ_U64(atomic_load(&script.asked), asked); /* failures keep their verdict */
	CHECK_EQ_I64(wb_image_info(image, &info), WB_OK);
	CHECK_EQ_U64(info.files[WB_FILE_EXECUTABLE].verdict, row->expect);
	CHECK_STR(info.files[WB_FILE_EXECUTABLE].path, row->used ? row->used : row->second ? row->second : row->first ? row->first : "");
	wb_image_missed(image, WB_FILE_EXECUTABLE, 7);
	CHECK_EQ_I64(wb_session_wanted(session, 0, &wanted), row->used ? WB_NONE : WB_OK);
	if (!row->used)
		CHECK_EQ_U64(wanted.verdict, row->expect);
	wb_image_unref(image);
	wb_session_free(session);
}

static void judges_executables(void)
{
	char good[TEST_PATH_MAX], other[TEST_PATH_MAX], bare[TEST_PATH_MAX], machine[TEST_PATH_MAX], cut[TEST_PATH_MAX], debug[TEST_PATH_MAX];
	snprintf(good, sizeof good, "%s", write_made("good", EXECUTABLE, id_a, NULL, 0));
	snprintf(other, sizeof other, "%s", write_made("other", EXECUTABLE, id_b, NULL, 0));
	snprintf(bare, sizeof bare, "%s", write_made("bare", EXECUTABLE, NULL, NULL, 0));
	snprintf(machine, sizeof machine, "%s", write_made("machine", OTHER_MACHINE, id_a, NULL, 0));
	snprintf(cut, sizeof cut, "%s", write_made("cut", CUT, id_a, NULL, 0));
	snprintf(debug, sizeof debug, "%s", write_made("debug", DEBUG_FILE, id_a, NULL, 0));
	const struct judgement table[] = {
		{ "matched", good, NULL, id_a, true, false, false, WB_VERDICT_MATCHED, good },
		{ "another build", other, NULL, id_a, true, false, true, WB_VERDICT_MISMATCHED, NULL },
		{ "another build, then the right one", other, good, id_a, true, false, false, WB_VERDICT_MATCHED, good },
		{ "another build, forced", other, NULL, id_a, true, true, false, WB_VERDICT_FORCED, other },
		{ "wanted id, file without: this host", bare, NULL, id_a, true, false, false, WB_VERDICT_UNVERIFIABLE, NULL },
		{ "wanted id, file without: this host, trusted", bare, NULL, id_a, true, false, true, WB_VERDICT_UNVERIFIABLE, bare },
		{ "wanted id, file without: elsewhere", bare, NULL, id_a, false, false, false, WB_VERDICT_UNVERIFIABLE, bare },
		{ "no wanted id: this host", good, NULL, NULL, true, false, false, WB_VERDICT_UNVERIFIABLE, NULL },
		{ "no wanted id: elsewhere", good, NULL, NULL, false, false, false, WB_VERDICT_UNVERIFIABLE, good },
		{ "another machine", machine, NULL, id_a, true, false, false, WB_VERDICT_MISMATCHED, NULL },
		{ "malformed", cut, NULL, id_a, true, false, false, WB_VERDICT_MALFORMED, NULL },
		{ "malformed, then the right one", cut, good, id_a, true, false, false, WB_VERDICT_MATCHED, good },
		{ "a debug file", debug, NULL, id_a, true, false, false, WB_VERDICT_MISMATCHED, NULL },
		{ "missing", NULL, NULL, id_a, true, false, false, WB_VERDICT_MISSING, NULL },
		{ "no such file", "/nonexistent", NULL, id_a, true, false, false, WB_VERDICT_MALFORMED, NULL },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		test_row(table[i].name);
		judge(&table[i]);
	}
}

/* CRC-32 of a file by the definition (ISO 3309), a bit at a time: the slow twin. */
static uint32_t slow_crc(const char *path)
{
	size_t size;
	char *bytes = test_read_file(path, &size);
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; bytes && i < size; i++) {
		crc ^= (uint8_t)bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	free(bytes);
	return ~crc;
}

static void judges_debug_files(void)
{
	static const struct { const char *name; bool main_has_id, debug_has_id, right_crc; const uint8_t *id; enum wb_verdict expect; } table[] = {
		{ "build ids are equal, whatever the CRC", true, true, false, id_a, WB_VERDICT_MATCHED },
		{ "build ids differ, whatever the CRC", true, true, true, id_b, WB_VERDICT_MISMATCHED },
		{ "CRC is right", false, false, true, NULL, WB_VERDICT_MATCHED },
		{ "CRC is wrong", false, false, false, NULL, WB_VERDICT_MISMATCHED },
		{ "only one build id, CRC is right", true, false, true, NULL, WB_VERDICT_MATCHED },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_session *session = new_session(false);
		struct script script = { .count = 1, .offers = { { .role = WB_FILE_DEBUG } } };
		struct wb_object *object;
		struct wb_image *image;
		char debug[TEST_PATH_MAX];

		test_row(table[i].name);
		snprintf(debug, sizeof debug, "%s", write_made("x.debug", DEBUG_FILE, table[i].debug_has_id ? table[i].id : NULL, NULL, 0));
		uint32_t crc = slow_crc(debug) + !table[i].right_crc;
		const char *path = write_made("x", EXECUTABLE, table[i].main_has_id ? id_a : NULL, "x.debug", crc);
		script.offers[0].path = debug;
		script.offers[0].on_host = true;
		wb_session_add_finder(session, find_scripted, &script, NULL);
		REQUIRE(wb_image_open(session, path, &image) == WB_OK);
		CHECK_EQ_I64(wb_image_object(image, WB_FILE_DEBUG, &object), table[i].expect == WB_VERDICT_MATCHED ? WB_OK : WB_NONE);
		CHECK_EQ_U64(wb_image_verdict(image, WB_FILE_DEBUG), table[i].expect);
		wb_image_unref(image);
		wb_session_free(session);
	}
}

/* An x86-64 file whose .gnu_debugaltlink names x.dwz of build id b. */
static const char *write_with_altlink(const char *name)
{
	uint8_t note[64], link[32] = "x.dwz";
	const char *path = test_tmp(name);
	struct elf_make m;
	size_t size;

	elf_make_init(&m, true, false, 3, 62);
	elf_make_section(&m, ".note.gnu.build-id", 7, 2, 0x200, note, elf_make_build_id(&m, note, id_a, 20));
	elf_make_section(&m, ".text", 1, 6, 0x1000, code, sizeof code);
	elf_make_section(&m, ".debug_info", 1, 0, 0, code, sizeof code);
	memcpy(link + 6, id_b, 20);
	elf_make_section(&m, ".gnu_debugaltlink", 1, 0, 0, link, 26);
	uint8_t *bytes = elf_make_finish(&m, &size);
	test_write_file(path, bytes, size);
	free(bytes);
	return path;
}

static void judges_supplementary_files(void)
{
	static const struct { const char *name; const uint8_t *id; enum wb_verdict expect; } table[] = {
		{ "the id that the link has", id_b, WB_VERDICT_MATCHED },
		{ "the image's own id", id_a, WB_VERDICT_MISMATCHED },
		{ "no id, on this host", NULL, WB_VERDICT_UNVERIFIABLE },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_session *session = new_session(false);
		struct script script = { .count = 1, .offers = { { .role = WB_FILE_SUPPLEMENTARY, .on_host = true } } };
		struct wb_object *object;
		struct wb_image *image;
		char alt[TEST_PATH_MAX];

		test_row(table[i].name);
		snprintf(alt, sizeof alt, "%s", write_made("x.dwz", DEBUG_FILE, table[i].id, NULL, 0));
		script.offers[0].path = alt;
		wb_session_add_finder(session, find_scripted, &script, NULL);
		REQUIRE(wb_image_open(session, write_with_altlink("with-altlink"), &image) == WB_OK);
		CHECK_EQ_I64(wb_image_object(image, WB_FILE_SUPPLEMENTARY, &object), table[i].expect == WB_VERDICT_MATCHED ? WB_OK : WB_NONE);
		CHECK_EQ_U64(wb_image_verdict(image, WB_FILE_SUPPLEMENTARY), table[i].expect);
		/* It has debug information itself, so nobody looked for a debug file. */
		CHECK_EQ_U64(wb_image_verdict(image, WB_FILE_DEBUG), WB_VERDICT_NOT_TRIED);
		CHECK_EQ_U64(atomic_load(&script.asked), table[i].expect == WB_VERDICT_MATCHED ? 1 : 2);
		wb_image_unref(image);
		wb_session_free(session);
	}
}

/* Split units are found once each, by name and id; that one is missing is remembered too. */
static void keeps_extra_objects(void)
{
	struct wb_session *session = new_session(false);
	struct script script = { .count = 1, .offers = { { .role = WB_FILE_DWO, .on_host = true } } };
	struct wb_file_query dwo = { .size = sizeof dwo, .role = WB_FILE_DWO, .path = "a.dwo", .dwo_id = 1 };
	struct wb_file_query dwp = { .size = sizeof dwp, .role = WB_FILE_DWP, .path = "a.dwp" };
	struct wb_object *first, *again, *other;
	struct wb_image *image;
	char path[TEST_PATH_MAX];

	snprintf(path, sizeof path, "%s", write_made("a.dwo", DEBUG_FILE, NULL, NULL, 0));
	script.offers[0].path = path;
	wb_session_add_finder(session, find_scripted, &script, NULL);
	REQUIRE(wb_image_open(session, write_made("with-dwo", EXECUTABLE, id_a, NULL, 0), &image) == WB_OK);
	CHECK_EQ_I64(wb_image_extra_object(image, &dwo, 1, NULL, NULL, &first), WB_OK); /* its reader compares the dwo id */
	CHECK_EQ_I64(wb_image_extra_object(image, &dwo, 1, NULL, NULL, &again), WB_OK);
	CHECK(first == again);
	CHECK_EQ_U64(atomic_load(&script.asked), 1);
	dwo.dwo_id = 2;
	CHECK_EQ_I64(wb_image_extra_object(image, &dwo, 1, NULL, NULL, &other), WB_OK);
	CHECK(other != first);
	CHECK_EQ_I64(wb_image_extra_object(image, &dwp, 1, NULL, NULL, &other), WB_NONE);
	CHECK_EQ_I64(wb_image_extra_object(image, &dwp, 1, NULL, NULL, &other), WB_NONE);
	CHECK_EQ_U64(atomic_load(&script.asked), 3);
	wb_image_unref(image);
	wb_session_free(session);
}

/* Takes the object whose path ends like this. */
static enum wb_err accept_ending(void *arg, struct wb_image *image, struct wb_object *object)
{
	const char *ending = arg;
	size_t size = strlen(object->path);

	(void)image;
	return size >= strlen(ending) && !strcmp(object->path + size - strlen(ending), ending) ? WB_OK : WB_NONE;
}

/* What its reader refuses is a mismatch, and the next candidate is asked for. */
static void asks_readers_of_extra_objects(void)
{
	struct wb_session *session = new_session(false);
	struct script script = { .count = 2, .offers = { { .role = WB_FILE_DWO }, { .role = WB_FILE_DWO } } };
	struct wb_file_query query = { .size = sizeof query, .role = WB_FILE_DWO, .path = "a.dwo", .dwo_id = 1 };
	char paths[2][TEST_PATH_MAX], ending[] = "fits.dwo", nothing[] = "nothing";
	struct wb_image_info info = { .size = sizeof info };
	struct wb_object *object;
	struct wb_image *image;

	for (size_t i = 0; i < 2; i++) {
		snprintf(paths[i], sizeof paths[i], "%s", write_made(i ? "fits.dwo" : "stale.dwo", DEBUG_FILE, NULL, NULL, 0));
		script.offers[i].path = paths[i];
	}
	wb_session_add_finder(session, find_scripted, &script, NULL);
	REQUIRE(wb_image_open(session, write_made("with-two", EXECUTABLE, id_a, NULL, 0), &image) == WB_OK);
	CHECK_EQ_I64(wb_image_extra_object(image, &query, 1, accept_ending, ending, &object), WB_OK);
	CHECK_STR(object->path, paths[1]);
	CHECK_EQ_I64(wb_image_verdict(image, WB_FILE_DWO), WB_VERDICT_MATCHED);
	query.dwo_id = 2;
	CHECK_EQ_I64(wb_image_extra_object(image, &query, 1, accept_ending, nothing, &object), WB_NONE);
	CHECK_EQ_I64(wb_image_verdict(image, WB_FILE_DWO), WB_VERDICT_MISMATCHED);
	query.dwo_id = 3;
	CHECK_EQ_I64(wb_image_extra_object(image, &query, 1, accept_ending, ending, &object), WB_OK);
	CHECK_EQ_I64(wb_image_verdict(image, WB_FILE_DWO), WB_VERDICT_MISMATCHED); /* one is enough to say so */
	CHECK_EQ_I64(wb_image_info(image, &info), WB_OK);
	CHECK_STR(info.files[WB_FILE_DWO].path, paths[1]); /* the last that was refused */
	wb_image_unref(image);
	wb_session_free(session);
}

/* "Not yet" is no verdict: the finder is asked again, and what was computed meanwhile is not kept. */
static enum wb_err build_if_there(struct wb_image *image, void *arg, void **ret_value)
{
	struct wb_object *object;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &object);

	++*(unsigned *)arg;
	if (!err)
		*ret_value = object;
	return err;
}

static void asks_again_later(void)
{
	char path[TEST_PATH_MAX];
	struct wb_session *session = new_session(false);
	struct script script = { .count = 1 };
	struct wb_image *image = new_image(session, "/x", id_a);
	unsigned builds = 0;
	void *value;

	snprintf(path, sizeof path, "%s", write_made("late", EXECUTABLE, id_a, NULL, 0));
	script.offers[0].path = path;
	atomic_store(&script.later, true);
	wb_session_add_finder(session, find_scripted, &script, NULL);
	CHECK_EQ_I64(wb_image_slot(image, WB_SLOT_CFI, build_if_there, &builds, NULL, &value), WB_NONE);
	CHECK_EQ_U64(wb_image_verdict(image, WB_FILE_EXECUTABLE), WB_VERDICT_NOT_TRIED);
	atomic_store(&script.later, false);
	CHECK_EQ_I64(wb_image_slot(image, WB_SLOT_CFI, build_if_there, &builds, NULL, &value), WB_OK);
	CHECK_EQ_I64(wb_image_slot(image, WB_SLOT_CFI, build_if_there, &builds, NULL, &value), WB_OK);
	CHECK_EQ_U64(builds, 2);
	wb_image_unref(image);
	wb_session_free(session);
}

struct late { const char *executable, *debug; bool has_executable; };

/* The executable comes late; its debug file is known by the name that the executable gives it alone. */
static enum wb_err find_late(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	const struct late *late = arg;
	bool is_executable = query->role == WB_FILE_EXECUTABLE;

	if (is_executable && !late->has_executable)
		return WB_LATER;
	if (nth || (!is_executable && strcmp(query->path, "late.debug")))
		return WB_NONE;
	snprintf(ret_candidate->path, sizeof ret_candidate->path, "%s", is_executable ? late->executable : late->debug);
	return WB_OK;
}

static void late_files_lead_to_others(void)
{
	char executable[TEST_PATH_MAX], debug[TEST_PATH_MAX];
	struct late late = { executable, debug, false };
	struct wb_session *session = new_session(false);
	struct wb_image *image = new_image(session, "/x", id_a);
	struct wb_object *object;

	snprintf(executable, sizeof executable, "%s", write_made("late", EXECUTABLE, id_a, "late.debug", 0));
	snprintf(debug, sizeof debug, "%s", write_made("late.debug", DEBUG_FILE, id_a, NULL, 0));
	wb_session_add_finder(session, find_late, &late, NULL);
	CHECK_EQ_I64(wb_image_object(image, WB_FILE_DEBUG, &object), WB_NONE);
	late.has_executable = true;
	CHECK_EQ_I64(wb_image_object(image, WB_FILE_DEBUG, &object), WB_OK);
	wb_image_unref(image);
	wb_session_free(session);
}

int main(void)
{
	TEST_RUN(judges_executables);
	TEST_RUN(judges_debug_files);
	TEST_RUN(judges_supplementary_files);
	TEST_RUN(keeps_extra_objects);
	TEST_RUN(asks_readers_of_extra_objects);
	TEST_RUN(asks_again_later);
	TEST_RUN(late_files_lead_to_others);
	return test_summary();
}
