/* SPDX-License-Identifier: MIT */
/* Images: who is the same, which files are used with which verdict, what is computed once, and eight threads at one image. */
#include "test.h"

#include "base/mem.h"
#include "elf_make.h"
#include "model/bounds.h"
#include "model/image.h"
#include "model/session.h"

#include <pthread.h>

static const uint8_t id_a[20] = { 0xaa, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 };
static const uint8_t id_b[20] = { 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 };
static const uint8_t code[64] = { 0x55, 0x48, 0x89, 0xe5, 0x5d, 0xc3 };

static struct wb_session *new_session(bool trust)
{
	struct wb_session_opts opts = { .size = sizeof opts, .trust_unverified = trust };
	struct wb_session *session = NULL;

	if (wb_session_new(&opts, &session) != WB_OK)
		exit(1);
	return session;
}

/* ---- Files that are made here ------------------------------------------------------------------------------------------- */

enum made { EXECUTABLE, DEBUG_FILE, OTHER_MACHINE, CUT };

/* An x86-64 file with three functions; freed by the caller. */
static uint8_t *make_file(enum made what, const uint8_t *id, const char *debuglink, uint32_t crc, size_t *ret_size)
{
	static const char strings[] = "\0outer\0inner\0last";
	uint8_t note[64], symbols[4 * 24], link[64] = { 0 };
	bool is_debug = what == DEBUG_FILE;
	struct elf_make m;

	elf_make_init(&m, true, false, 3, what == OTHER_MACHINE ? 183 : 62);
	if (id)
		elf_make_section(&m, ".note.gnu.build-id", 7, 2, 0x200, note, elf_make_build_id(&m, note, id, 20));
	unsigned text = elf_make_section(&m, ".text", is_debug ? 8 : 1, 6, 0x1000, code, sizeof code);
	elf_make_symbol(&m, symbols, 0, 0, 0, 0, 0);
	elf_make_symbol(&m, symbols + 24, 1, 0x12, (uint16_t)text, 0x1000, 0x20);
	elf_make_symbol(&m, symbols + 48, 7, 0x12, (uint16_t)text, 0x1008, 0x8);
	elf_make_symbol(&m, symbols + 72, 13, 0x12, (uint16_t)text, 0x1030, 0);
	elf_make_section(&m, ".init", is_debug ? 8 : 1, 6, 0x2000, code, 0x17);
	unsigned symtab = elf_make_section(&m, ".symtab", 2, 0, 0, symbols, sizeof symbols);
	m.sections[symtab].link = elf_make_section(&m, ".strtab", 3, 0, 0, strings, sizeof strings);
	if (is_debug)
		elf_make_section(&m, ".debug_info", 1, 0, 0, code, sizeof code);
	if (debuglink) {
		size_t name = (strlen(debuglink) + 4) & ~(size_t)3;
		strcpy((char *)link, debuglink);
		elf_make_store(&m, link + name, crc, 4);
		elf_make_section(&m, ".gnu_debuglink", 1, 0, 0, link, name + 4);
	}
	elf_make_segment(&m, 1, 5, text, text);
	uint8_t *bytes = elf_make_finish(&m, ret_size);
	if (what == CUT)
		*ret_size = 40;
	return bytes;
}

static const char *write_made(const char *name, enum made what, const uint8_t *id, const char *debuglink, uint32_t crc)
{
	const char *path = test_tmp(name);
	size_t size;
	uint8_t *bytes = make_file(what, id, debuglink, crc, &size);

	test_write_file(path, bytes, size);
	free(bytes);
	return path;
}

/* ---- A finder that says what the test wants -------------------------------------------------------------------------------- */

struct script {
	struct { enum wb_file_role role; const char *path; bool on_host, forced; } offers[4];
	size_t count;
	atomic_uint asked;
	atomic_bool later;
	struct wb_file_query last;
	bool released;
};

static enum wb_err find_scripted(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	struct script *script = arg;

	atomic_fetch_add(&script->asked, 1);
	if (atomic_load(&script->later))
		return WB_LATER;
	for (size_t i = 0; i < script->count; i++) {
		if (script->offers[i].role != query->role || nth--)
			continue;
		snprintf(ret_candidate->path, sizeof ret_candidate->path, "%s", script->offers[i].path);
		ret_candidate->on_host = script->offers[i].on_host;
		ret_candidate->forced = script->offers[i].forced;
		return WB_OK;
	}
	return WB_NONE;
}

static struct wb_image *new_image(struct wb_session *session, const char *path, const uint8_t *id)
{
	struct wb_identity identity = { .size = sizeof identity, .platform = { .arch = WB_ARCH_X86_64 }, .path = path, .build_id = id,
	                                .build_id_size = id ? 20 : 0 };
	struct wb_image *image = NULL;

	if (wb_image_new(session, &identity, &image) != WB_OK)
		exit(1);
	return image;
}

/* ---- Identity ------------------------------------------------------------------------------------------------------------------ */

static void same_identity_is_same_image(void)
{
	struct wb_session *session = new_session(false);
	struct wb_image *a = new_image(session, "/x", id_a), *same = new_image(session, "/x", id_a);
	struct wb_image *other_id = new_image(session, "/x", id_b), *other_path = new_image(session, "/y", id_a);
	struct wb_image *without = new_image(session, "/x", NULL), *found;
	struct wb_usage usage = { .size = sizeof usage };
	uint64_t id = wb_image_id(a);

	CHECK(a == same);
	CHECK(a != other_id && a != other_path && a != without);
	CHECK_EQ_I64(wb_session_usage(session, &usage), WB_OK);
	CHECK_EQ_U64(usage.images, 4);
	CHECK_EQ_I64(wb_image_by_id(session, id, &found), WB_OK);
	CHECK(found == a);
	wb_image_unref(found);
	wb_image_unref(a);
	wb_image_unref(same);
	CHECK_EQ_I64(wb_image_by_id(session, id, &found), WB_NONE);
	a = new_image(session, "/x", id_a);
	CHECK(wb_image_id(a) != id);
	wb_image_unref(a);
	wb_image_unref(other_id);
	wb_image_unref(other_path);
	wb_image_unref(without);
	wb_session_free(session);
}

static void refuses_wrong_identities(void)
{
	struct wb_session *session = new_session(false);
	struct wb_identity identity = { .size = sizeof identity, .path = "/x", .build_id = id_a, .build_id_size = 65 };
	struct wb_image *image;

	CHECK_EQ_I64(wb_image_new(session, &identity, &image), WB_ERR_ARGUMENT);
	identity.build_id_size = 20;
	identity.flags = 4;
	CHECK_EQ_I64(wb_image_new(session, &identity, &image), WB_ERR_ARGUMENT);
	identity.flags = 0;
	identity.build_id = NULL;
	CHECK_EQ_I64(wb_image_new(session, &identity, &image), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_image_new(NULL, &identity, &image), WB_ERR_ARGUMENT);
	wb_session_free(session);
}

/* Thousands of images: the tables grow, ids stay found. */
static void holds_many(void)
{
	enum { COUNT = 3000 };
	struct wb_session *session = new_session(false);
	static struct wb_image *images[COUNT];
	char path[32];

	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(path, sizeof path, "/lib/%u.so", i);
		images[i] = new_image(session, path, NULL);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		struct wb_image *found;

		if (!CHECK(wb_image_by_id(session, wb_image_id(images[i]), &found) == WB_OK))
			break;
		CHECK(found == images[i]);
		wb_image_unref(found);
	}
	for (unsigned i = 0; i < COUNT; i++)
		wb_image_unref(images[i]);
	wb_session_free(session);
}

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

/* ---- Files of the caller's ------------------------------------------------------------------------------------------------------------ */

static void one_file_is_one_image(void)
{
	struct wb_session *session = new_session(false);
	const char *path = write_made("opened", EXECUTABLE, id_a, NULL, 0);
	struct wb_image *mapped = new_image(session, path, id_a), *opened, *again;
	struct wb_object *object;

	/* Nobody has the file: then the caller opens it, and the image that is mapped has it too. */
	CHECK_EQ_I64(wb_image_object(mapped, WB_FILE_EXECUTABLE, &object), WB_NONE);
	REQUIRE(wb_image_open(session, path, &opened) == WB_OK);
	CHECK(opened == mapped);
	CHECK_EQ_I64(wb_image_object(mapped, WB_FILE_EXECUTABLE, &object), WB_OK);
	CHECK_EQ_U64(wb_image_verdict(mapped, WB_FILE_EXECUTABLE), WB_VERDICT_MATCHED);
	REQUIRE(wb_image_open(session, path, &again) == WB_OK);
	CHECK(again == mapped);
	wb_image_unref(opened);
	wb_image_unref(again);
	wb_image_unref(mapped);
	CHECK_EQ_I64(wb_image_open(session, "/nonexistent/file", &opened), WB_ERR_IO);
	wb_session_free(session);
}

static void count_release(void *arg)
{
	++*(unsigned *)arg;
}

struct bytes { const uint8_t *bytes; size_t size; unsigned released; };

static enum wb_err read_bytes(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	const struct bytes *bytes = arg;

	*ret_got = offset >= bytes->size ? 0 : bytes->size - offset < count ? bytes->size - (size_t)offset : count;
	memcpy(buffer, bytes->bytes + offset, *ret_got);
	return WB_OK;
}

static void release_bytes(void *arg)
{
	((struct bytes *)arg)->released++;
}

static void opens_bytes_and_sources(void)
{
	struct wb_session *session = new_session(false);
	size_t size;
	uint8_t *bytes = make_file(EXECUTABLE, NULL, NULL, 0, &size), buffer[4];
	struct bytes source_bytes = { bytes, size, 0 };
	struct wb_source source = { .size = sizeof source, .length = size, .arg = &source_bytes, .read = read_bytes, .release = release_bytes };
	struct wb_image *first, *second, *third;
	unsigned released = 0;

	REQUIRE(wb_image_open_bytes(session, "bytes", bytes, size, 0, count_release, &released, &first) == WB_OK);
	REQUIRE(wb_image_open_bytes(session, "bytes", bytes, size, 0, count_release, &released, &second) == WB_OK);
	CHECK(first != second); /* without a build id, nothing says that they are the same */
	REQUIRE(wb_image_open_source(session, "source", &source, 0, &third) == WB_OK);
	CHECK_EQ_I64(wb_image_read(third, 0x1001, buffer, 3), WB_OK);
	CHECK_MEM(buffer, code + 1, 3);
	CHECK_EQ_I64(wb_image_read(third, 0x1000 + sizeof code - 2, buffer, 3), WB_NONE);
	CHECK_EQ_I64(wb_image_read(third, 0x9000, buffer, 1), WB_NONE);
	CHECK_EQ_U64(released, 0);
	wb_image_unref(first);
	wb_image_unref(second);
	wb_image_unref(third);
	CHECK_EQ_U64(released, 2);
	CHECK_EQ_U64(source_bytes.released, 1);

	/* Released on failure too, once. */
	CHECK_EQ_I64(wb_image_open_bytes(session, "bytes", "junk", 4, 0, count_release, &released, &first), WB_ERR_UNSUPPORTED);
	CHECK_EQ_I64(wb_image_open_bytes(session, NULL, "junk", 4, 0, count_release, &released, &first), WB_ERR_ARGUMENT);
	CHECK_EQ_U64(released, 4);
	source.read = NULL;
	CHECK_EQ_I64(wb_image_open_source(session, "source", &source, 0, &first), WB_ERR_ARGUMENT);
	CHECK_EQ_U64(source_bytes.released, 2);
	free(bytes);
	wb_session_free(session);
}

static enum wb_err count_symbols(void *arg, const struct wb_symbol *symbol)
{
	(void)symbol;
	++*(unsigned *)arg;
	return WB_OK;
}

/* Mapped files are not copied, so their sections cost nothing of the budget. */
static void maps_stable_files(void)
{
	for (uint8_t stable = 0; stable <= 1; stable++) {
		struct wb_session_opts opts = { .size = sizeof opts, .files_are_stable = stable };
		struct wb_usage usage = { .size = sizeof usage };
		struct wb_session *session;
		struct wb_object *object;
		struct wb_image *image;
		const uint8_t *bytes, *again;
		uint64_t vaddr;
		size_t size;

		test_row(stable ? "mapped" : "read");
		REQUIRE(wb_session_new(&opts, &session) == WB_OK);
		REQUIRE(wb_image_open(session, write_made("stable", EXECUTABLE, id_a, NULL, 0), &image) == WB_OK);
		REQUIRE(wb_image_object(image, WB_FILE_EXECUTABLE, &object) == WB_OK);
		CHECK_EQ_I64(wb_image_section(image, object, ".text", &bytes, &size, &vaddr), WB_OK);
		CHECK_EQ_U64(vaddr, 0x1000);
		CHECK_EQ_U64(size, sizeof code);
		CHECK_MEM(bytes, code, sizeof code);
		CHECK_EQ_I64(wb_image_section(image, object, ".text", &again, &size, NULL), WB_OK);
		CHECK(again == bytes);
		CHECK_EQ_I64(wb_image_section(image, object, ".none", &again, &size, NULL), WB_NONE);
		CHECK_EQ_I64(wb_session_usage(session, &usage), WB_OK);
		CHECK_EQ_U64(usage.cache_bytes, stable ? 0 : sizeof code);
		CHECK_EQ_U64(usage.files, 1);
		wb_image_unref(image);
		wb_session_free(session);
	}
}

static void takes_symbol_texts(void)
{
	static const char text[] = "1000 10 one\n1010 10 two\n";
	struct wb_session *session = new_session(false);
	struct wb_identity identity = { .size = sizeof identity, .path = "[jit]", .flags = WB_IMAGE_ABSOLUTE };
	struct wb_usage usage = { .size = sizeof usage };
	struct wb_object *object;
	struct wb_image *image;
	struct wb_bound bound;
	unsigned count = 0;

	REQUIRE(wb_image_new(session, &identity, &image) == WB_OK);
	CHECK_EQ_I64(wb_bounds_find(image, 0x1004, &bound), WB_NONE);
	CHECK_EQ_I64(wb_image_add_symbols(image, "junk", "junk", 4), WB_ERR_UNSUPPORTED);
	CHECK_EQ_I64(wb_image_add_symbols(image, "perf-1.map", text, sizeof text - 1), WB_OK);
	CHECK_EQ_I64(wb_image_add_symbols(image, "perf-2.map", text, sizeof text - 1), WB_NONE);
	REQUIRE(wb_image_object(image, WB_FILE_SYMBOLS, &object) == WB_OK);
	CHECK_EQ_I64(wb_image_symbols(image, object, count_symbols, &count), WB_OK);
	CHECK_EQ_U64(count, 2);
	CHECK_EQ_I64(wb_session_usage(session, &usage), WB_OK);
	CHECK_EQ_U64(usage.cache_bytes, sizeof text);
	CHECK_EQ_I64(wb_image_add_symbols(image, "perf-2.map", text, sizeof text - 1), WB_NONE);
	/* What was known to be absent is looked for again. */
	CHECK_EQ_I64(wb_bounds_find(image, 0x1014, &bound), WB_OK);
	CHECK_EQ_U64(bound.start, 0x1010);
	wb_image_unref(image);
	CHECK_EQ_I64(wb_session_usage(session, &usage), WB_OK);
	CHECK_EQ_U64(usage.cache_bytes, 0);
	CHECK_EQ_U64(usage.files, 0);
	wb_session_free(session);
}

/* ---- Bounds --------------------------------------------------------------------------------------------------------------------------------- */

static void knows_bounds(void)
{
	/* outer is [0x1000, 0x1020), inner [0x1008, 0x1010) lies in it, last has no size: it ends with .text at 0x1040. */
	static const struct { const char *name; uint64_t pc; enum wb_err expect; uint64_t start, end; } table[] = {
		{ "first byte", 0x1000, WB_OK, 0x1000, 0x1020 },
		{ "nested", 0x1008, WB_OK, 0x1008, 0x1010 },
		{ "behind the nested one", 0x1010, WB_OK, 0x1000, 0x1020 },
		{ "gap", 0x1020, WB_NONE, 0, 0 },
		{ "no size", 0x103f, WB_OK, 0x1030, 0x1040 },
		{ "past the end", 0x1040, WB_NONE, 0, 0 },
		{ ".init, which has no symbol", 0x2004, WB_OK, 0x2000, 0x2017 },
		{ "before", 0xfff, WB_NONE, 0, 0 },
	};
	struct wb_session *session = new_session(false);
	struct wb_image *image;

	REQUIRE(wb_image_open(session, write_made("bounds", EXECUTABLE, id_a, NULL, 0), &image) == WB_OK);
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_bound bound = { 0, 0 };

		test_row(table[i].name);
		CHECK_EQ_I64(wb_bounds_find(image, table[i].pc, &bound), table[i].expect);
		CHECK_EQ_U64(bound.start, table[i].start);
		CHECK_EQ_U64(bound.end, table[i].end);
	}
	wb_image_unref(image);
	wb_session_free(session);
}

/* ---- Wanted -------------------------------------------------------------------------------------------------------------------------------------- */

static void lists_what_was_wanted(void)
{
	struct wb_session *session = new_session(false);
	struct wb_image *cheap = new_image(session, "/cheap", id_a), *costly = new_image(session, "/costly", NULL);
	struct wb_wanted wanted = { .size = sizeof wanted };

	wb_image_missed(cheap, WB_FILE_EXECUTABLE, 3);
	wb_image_missed(costly, WB_FILE_EXECUTABLE, 5);
	wb_image_missed(cheap, WB_FILE_EXECUTABLE, 1);
	wb_image_missed(costly, WB_FILE_DEBUG, 4);
	CHECK_EQ_I64(wb_session_wanted(session, 0, &wanted), WB_OK);
	CHECK_STR(wanted.path, "/costly");
	CHECK_EQ_U64(wanted.frames, 5);
	CHECK_EQ_U64(wanted.role, WB_FILE_EXECUTABLE);
	CHECK_EQ_I64(wb_session_wanted(session, 1, &wanted), WB_OK);
	CHECK_STR(wanted.path, "/cheap"); /* as costly as the next: by path */
	CHECK_EQ_U64(wanted.frames, 4);
	CHECK_EQ_U64(wanted.build_id_size, 20);
	CHECK_MEM(wanted.build_id, id_a, 20);
	CHECK_EQ_U64(wanted.image_id, wb_image_id(cheap));
	CHECK_EQ_I64(wb_session_wanted(session, 2, &wanted), WB_OK);
	CHECK_EQ_U64(wanted.role, WB_FILE_DEBUG);
	CHECK_EQ_I64(wb_session_wanted(session, 3, &wanted), WB_NONE);
	/* It outlives the image, and another image of the same identity counts for it. */
	wb_image_unref(cheap);
	cheap = new_image(session, "/cheap", id_a);
	wb_image_missed(cheap, WB_FILE_EXECUTABLE, 10);
	CHECK_EQ_I64(wb_session_wanted(session, 0, &wanted), WB_OK);
	CHECK_STR(wanted.path, "/cheap");
	CHECK_EQ_U64(wanted.frames, 14);
	wb_image_unref(cheap);
	wb_image_unref(costly);
	wb_session_free(session);
}

/* ---- Threads --------------------------------------------------------------------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 50 };

struct shared {
	struct wb_session *session;
	const char *path;
	atomic_uint builds, failures;
	pthread_barrier_t start;
};

static enum wb_err build_value(struct wb_image *image, void *arg, void **ret_value)
{
	struct shared *shared = arg;
	const uint8_t *bytes;
	struct wb_object *object;
	size_t size;
	enum wb_err err = wb_image_debug_section(image, ".text", &object, &bytes, &size, NULL);

	atomic_fetch_add(&shared->builds, 1);
	if (!err)
		*ret_value = wb_mem_dup(bytes, size);
	return err;
}

/* Each round is an image's whole life: all threads find it by its identity, ask for everything, and let go. */
static void *use_image(void *arg)
{
	struct shared *shared = arg;

	pthread_barrier_wait(&shared->start);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct wb_image *image = new_image(shared->session, shared->path, id_a), *same = NULL, *opened = NULL;
		struct wb_image_info info = { .size = sizeof info };
		struct wb_object *object = NULL;
		struct wb_bound bound;
		uint8_t buffer[4];
		unsigned count = 0;
		void *value = NULL;
		bool ok = wb_image_slot(image, WB_SLOT_CFI, build_value, shared, wb_mem_free, &value) == WB_OK &&
		          !memcmp(value, code, sizeof code);

		ok &= wb_image_object(image, WB_FILE_EXECUTABLE, &object) == WB_OK;
		ok &= wb_image_symbols(image, object, count_symbols, &count) == WB_OK && count == 3;
		ok &= wb_bounds_find(image, 0x1009, &bound) == WB_OK && bound.start == 0x1008;
		ok &= wb_image_read(image, 0x1000, buffer, 4) == WB_OK && !memcmp(buffer, code, 4);
		ok &= wb_image_by_id(shared->session, wb_image_id(image), &same) == WB_OK && same == image;
		ok &= wb_image_open(shared->session, shared->path, &opened) == WB_OK && opened == image;
		ok &= wb_image_info(image, &info) == WB_OK && info.num_symbols == 3;
		wb_image_missed(image, WB_FILE_DEBUG, 1);
		atomic_fetch_add(&shared->failures, !ok);
		wb_image_unref(same);
		wb_image_unref(opened);
		wb_image_unref(image);
	}
	return NULL;
}

static void serves_many_threads(void)
{
	char path[TEST_PATH_MAX];
	struct shared shared = { .session = new_session(false) };
	struct wb_usage usage = { .size = sizeof usage };
	struct wb_wanted wanted = { .size = sizeof wanted };
	pthread_t threads[THREADS];

	snprintf(path, sizeof path, "%s", write_made("threads", EXECUTABLE, id_a, NULL, 0));
	shared.path = path;
	wb_session_add_host_paths(shared.session);
	pthread_barrier_init(&shared.start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, use_image, &shared) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ_U64(atomic_load(&shared.failures), 0);
	CHECK(atomic_load(&shared.builds) <= THREADS * ROUNDS);
	CHECK_EQ_I64(wb_session_wanted(shared.session, 0, &wanted), WB_OK);
	CHECK_EQ_U64(wanted.frames, THREADS * ROUNDS);
	CHECK_EQ_I64(wb_session_usage(shared.session, &usage), WB_OK);
	CHECK_EQ_U64(usage.images, 0);
	CHECK_EQ_U64(usage.files, 0);
	CHECK_EQ_U64(usage.cache_bytes, 0);
	pthread_barrier_destroy(&shared.start);
	wb_session_free(shared.session);
}

/* With the image held, everything is made exactly once. */
static void makes_everything_once(void)
{
	char path[TEST_PATH_MAX];
	struct shared shared = { .session = new_session(false) };
	struct script script = { .count = 1 };
	pthread_t threads[THREADS];

	snprintf(path, sizeof path, "%s", write_made("once", EXECUTABLE, id_a, NULL, 0));
	shared.path = path;
	script.offers[0].path = path;
	wb_session_add_finder(shared.session, find_scripted, &script, NULL);
	struct wb_image *held = new_image(shared.session, path, id_a);
	pthread_barrier_init(&shared.start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&threads[i], NULL, use_image, &shared) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ_U64(atomic_load(&shared.failures), 0);
	CHECK_EQ_U64(atomic_load(&shared.builds), 1);
	/* Once for the executable, once for the debug file, which is not there. A thread that opens the path itself may come first. */
	CHECK(atomic_load(&script.asked) <= 3);
	wb_image_unref(held);
	pthread_barrier_destroy(&shared.start);
	wb_session_free(shared.session);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------------------------------------------ */

static void survives_missing_memory(void)
{
	char path[TEST_PATH_MAX];
	bool done = false;

	snprintf(path, sizeof path, "%s", write_made("memory", EXECUTABLE, id_a, "memory.debug", 1));
	for (uint64_t nth = 1; nth < 300 && !done; nth++) {
		struct wb_session *session = new_session(false);
		struct wb_identity identity = { .size = sizeof identity, .path = path, .build_id = id_a, .build_id_size = 20 };
		struct wb_image_info info = { .size = sizeof info };
		struct wb_image *image = NULL;
		struct wb_bound bound;
		enum wb_err err;

		wb_session_add_host_paths(session);
		wb_mem_fail_at(nth, false);
		err = wb_image_new(session, &identity, &image);
		if (!err)
			err = wb_image_info(image, &info);
		if (!err)
			err = wb_bounds_find(image, 0x1000, &bound);
		if (!err)
			wb_image_missed(image, WB_FILE_DEBUG, 1);
		done = wb_mem_count() < nth;
		wb_mem_fail_at(0, false);
		CHECK(err == WB_OK || (!done && err == WB_ERR_MEMORY));
		/* The same image works once there is memory. */
		if (!image)
			image = new_image(session, path, id_a);
		CHECK_EQ_I64(wb_bounds_find(image, 0x1000, &bound), WB_OK);
		wb_image_unref(image);
		wb_session_free(session);
	}
	CHECK(done);
}

int main(void)
{
	TEST_RUN(same_identity_is_same_image);
	TEST_RUN(refuses_wrong_identities);
	TEST_RUN(holds_many);
	TEST_RUN(judges_executables);
	TEST_RUN(judges_debug_files);
	TEST_RUN(asks_again_later);
	TEST_RUN(one_file_is_one_image);
	TEST_RUN(opens_bytes_and_sources);
	TEST_RUN(maps_stable_files);
	TEST_RUN(takes_symbol_texts);
	TEST_RUN(knows_bounds);
	TEST_RUN(lists_what_was_wanted);
	TEST_RUN(serves_many_threads);
	TEST_RUN(makes_everything_once);
	TEST_RUN(survives_missing_memory);
	return test_summary();
}
