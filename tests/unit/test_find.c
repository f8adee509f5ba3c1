/* SPDX-License-Identifier: MIT */
/* The stock finders: a tree of files per convention, a query, and the paths that come out, in order. */
#include "test.h"

#include "elf_make.h"
#include "macho_make.h"
#include "model/session.h"

static const uint8_t id[20] = { 0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 };
static const uint8_t padded[20] = { 0xab, 0xcd, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 0, 0, 0 };
#define ID_REST "cdef0102030405060708090a0b0c0d0e0f1011"
#define ID_REST_16 "cdef0102030405060708090a0b0c0d"

/* Makes the folders of a path below the test's own, and the file with some bytes. Names starting with / are links' targets. */
static void put(const char *name, const char *bytes)
{
	char path[TEST_PATH_MAX];

	snprintf(path, sizeof path, "%s", test_tmp(name));
	for (char *slash = strchr(path + strlen(test_state.tmp) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(path, 0777);
		*slash = '/';
	}
	test_write_file(path, bytes, strlen(bytes));
}

static void make_trees(void)
{
	put("host/bin/prog", "x");
	put("host/bin/prog.debug", "x");
	put("host/bin/.debug/prog.debug", "x");
	put("host/bin/unit.dwo", "x");
	put("host/bin/prog.dwp", "x");
	put("host/tmp/perf-7.map", "x");
	put("root/usr/bin/prog", "x");
	put("root/prog", "x");
	put("root/usr/lib/debug/.build-id/ab/" ID_REST ".debug", "x");
	put("root/usr/lib/debug/usr/bin/prog.debug", "x");
	put("debug/.build-id/ab/" ID_REST ".debug", "x");
	put("debug/usr/bin/prog.debug", "x");
	put("debug/.dwz/prog.dwz", "x");
	put("debug/.dwz/x86_64-linux-gnu/package.debug", "x");
	put("debug/gathered.dwo", "x");
	put("debug/gathered.dwp", "x");
	put("cache/usr/bin/prog/ab" ID_REST "/elf", "x");
	put("cache/usr/bin/prog/ab" ID_REST "/debug", "x");
	put("cache/[vdso]/ab" ID_REST "/vdso", "x");
	put("cache/[kernel.kallsyms]/ab" ID_REST "/kallsyms", "x");
	put("cache/.build-id/ab/" ID_REST_16 "/elf", "x");
	put("cache/.build-id/ab/empty", "");
	put("client/ab" ID_REST "/executable", "x");
	put("client/ab" ID_REST "/debuginfo", "");
	put("mac/tool", "x");
	put("mac/tool.dSYM/Contents/Resources/DWARF/tool", "x");
	put("mac/My.app.dSYM/Contents/Resources/DWARF/My", "x");
	put("debug/tool.dSYM/Contents/Resources/DWARF/tool", "x");
	put("debug/My.framework.dSYM/Contents/Resources/DWARF/My", "x");
	put("debug/ABCD/EF01/0203/0405/0607/08090A0B0C0D", "x");
	put("secret", "x");
	put("here.debug", "x");
	if (chdir(test_state.tmp))
		exit(1);

	/* perf links the build id to the folder that has the files. */
	char link[TEST_PATH_MAX];
	snprintf(link, sizeof link, "%s", test_tmp("cache/.build-id/ab/" ID_REST));
	if (symlink("../../usr/bin/prog/ab" ID_REST, link))
		exit(1);
	/* What is no regular file is no candidate. */
	if (mkfifo(test_tmp("host/bin/fifo"), 0600))
		exit(1);
}

enum finder { HOST, SYSROOT, DEBUG_DIR, CACHE, DEBUGINFOD };

static enum wb_err add(struct wb_session *session, enum finder finder)
{
	switch (finder) {
	case HOST: return wb_session_add_host_paths(session);
	case SYSROOT: return wb_session_add_sysroot(session, test_tmp("root"));
	case DEBUG_DIR: return wb_session_add_debug_dir(session, test_tmp("debug"));
	case CACHE: return wb_session_add_buildid_cache(session, test_tmp("cache"));
	case DEBUGINFOD: return wb_session_add_debuginfod_cache(session, test_tmp("client"));
	}
	return WB_ERR_ARGUMENT;
}

/* "@" at the start of a path stands for the test's folder. */
static const char *expand(const char *path, char *buffer)
{
	if (path && path[0] == '@')
		snprintf(buffer, TEST_PATH_MAX, "%s%s", test_state.tmp, path + 1);
	else
		snprintf(buffer, TEST_PATH_MAX, "%s", path ? path : "");
	return buffer;
}

static const struct {
	const char *name;
	enum finder finder;
	enum wb_file_role role;
	const char *path, *referrer;
	const uint8_t *id;
	const char *expect[3];
} table[] = {
	{ "host: recorded path", HOST, WB_FILE_EXECUTABLE, "@/host/bin/prog", NULL, id, { "@/host/bin/prog" } },
	{ "host: deleted", HOST, WB_FILE_EXECUTABLE, "@/host/bin/prog (deleted)", NULL, NULL, { "@/host/bin/prog" } },
	{ "host: missing", HOST, WB_FILE_EXECUTABLE, "@/host/bin/none", NULL, NULL, { NULL } },
	{ "host: a folder", HOST, WB_FILE_EXECUTABLE, "@/host/bin", NULL, NULL, { NULL } },
	{ "host: a fifo", HOST, WB_FILE_EXECUTABLE, "@/host/bin/fifo", NULL, NULL, { NULL } },
	{ "host: anonymous memory", HOST, WB_FILE_EXECUTABLE, "//anon", NULL, NULL, { NULL } },
	{ "host: heap", HOST, WB_FILE_EXECUTABLE, "[heap]", NULL, NULL, { NULL } },
	{ "host: unknown path", HOST, WB_FILE_EXECUTABLE, "", NULL, id, { NULL } },
	{ "host: perf map", HOST, WB_FILE_SYMBOLS, "@/host/tmp/perf-7.map", NULL, NULL, { "@/host/tmp/perf-7.map" } },
	{ "host: debug link", HOST, WB_FILE_DEBUG, "prog.debug", "@/host/bin/prog", NULL,
	  { "@/host/bin/prog.debug", "@/host/bin/.debug/prog.debug" } },
	{ "host: debug link of a file where we are", HOST, WB_FILE_DEBUG, "here.debug", "prog", NULL, { "here.debug" } },
	{ "host: symbols of what is no path", HOST, WB_FILE_SYMBOLS, "here.debug", NULL, NULL, { NULL } },
	{ "host: debug link is a name only", HOST, WB_FILE_DEBUG, "../bin/prog.debug", "@/host/bin/prog", NULL, { NULL } },
	{ "host: dwo", HOST, WB_FILE_DWO, "unit.dwo", "@/host/bin/prog", NULL, { "@/host/bin/unit.dwo", "@/host/bin/unit.dwo" } },
	{ "host: dwo elsewhere", HOST, WB_FILE_DWO, "/build/unit.dwo", "@/host/bin/prog", NULL, { "@/host/bin/unit.dwo" } },
	{ "host: dwp", HOST, WB_FILE_DWP, "@/host/bin/prog.dwp", "@/host/bin/prog", NULL, { "@/host/bin/prog.dwp", "@/host/bin/prog.dwp" } },
	{ "sysroot: path, then name", SYSROOT, WB_FILE_EXECUTABLE, "/usr/bin/prog", NULL, NULL, { "@/root/usr/bin/prog", "@/root/prog" } },
	{ "sysroot: another folder", SYSROOT, WB_FILE_EXECUTABLE, "/opt/prog", NULL, NULL, { "@/root/prog" } },
	{ "sysroot: climbing out", SYSROOT, WB_FILE_EXECUTABLE, "/../secret", NULL, NULL, { NULL } },
	{ "sysroot: climbing out below", SYSROOT, WB_FILE_EXECUTABLE, "/usr/../../secret", NULL, NULL, { NULL } },
	{ "sysroot: debug file", SYSROOT, WB_FILE_DEBUG, "prog.debug", "/usr/bin/prog", id,
	  { "@/root/usr/lib/debug/.build-id/ab/" ID_REST ".debug", "@/root/usr/lib/debug/usr/bin/prog.debug" } },
	{ "debug dir: build id, then link", DEBUG_DIR, WB_FILE_DEBUG, "prog.debug", "/usr/bin/prog", id,
	  { "@/debug/.build-id/ab/" ID_REST ".debug", "@/debug/usr/bin/prog.debug" } },
	{ "debug dir: link", DEBUG_DIR, WB_FILE_DEBUG, "prog.debug", "/usr/bin/prog", NULL, { "@/debug/usr/bin/prog.debug" } },
	{ "debug dir: link from a climbing path", DEBUG_DIR, WB_FILE_DEBUG, "prog.debug", "/usr/../usr/bin/prog", NULL, { NULL } },
	{ "debug dir: dwz", DEBUG_DIR, WB_FILE_SUPPLEMENTARY, "../../.dwz/prog.dwz", "@/none/x", NULL, { "@/debug/.dwz/prog.dwz" } },
	{ "debug dir: dwz of an architecture", DEBUG_DIR, WB_FILE_SUPPLEMENTARY, "/usr/lib/debug/.dwz/x86_64-linux-gnu/package.debug", "", NULL,
	  { "@/debug/.dwz/x86_64-linux-gnu/package.debug" } },
	{ "debug dir: dwz, climbing out", DEBUG_DIR, WB_FILE_SUPPLEMENTARY, "/.dwz/../../secret", "", NULL, { NULL } },
	{ "debug dir: gathered dwo", DEBUG_DIR, WB_FILE_DWO, "/none/gathered.dwo", "/none/prog", NULL, { "@/debug/gathered.dwo" } },
	{ "debug dir: gathered dwp", DEBUG_DIR, WB_FILE_DWP, "/none/gathered.dwp", "/none/gathered", NULL, { "@/debug/gathered.dwp" } },
	{ "debug dir: supplementary by build id", DEBUG_DIR, WB_FILE_SUPPLEMENTARY, "none", "", id, { "@/debug/.build-id/ab/" ID_REST ".debug" } },
	{ "cache: elf", CACHE, WB_FILE_EXECUTABLE, "/usr/bin/prog", NULL, id,
	  { "@/cache/.build-id/ab/" ID_REST "/elf", "@/cache/usr/bin/prog/ab" ID_REST "/elf" } },
	{ "cache: elf of an unknown path", CACHE, WB_FILE_EXECUTABLE, "", NULL, id, { "@/cache/.build-id/ab/" ID_REST "/elf" } },
	{ "cache: debug", CACHE, WB_FILE_DEBUG, "", "", id, { "@/cache/.build-id/ab/" ID_REST "/debug" } },
	{ "cache: vdso without its link", CACHE, WB_FILE_EXECUTABLE, "[vdso]", NULL, id,
	  { "@/cache/.build-id/ab/" ID_REST "/elf", "@/cache/[vdso]/ab" ID_REST "/vdso" } },
	{ "cache: kallsyms", CACHE, WB_FILE_SYMBOLS, "[kernel.kallsyms]", NULL, id, { "@/cache/[kernel.kallsyms]/ab" ID_REST "/kallsyms" } },
	{ "cache: padded id of 16 bytes", CACHE, WB_FILE_EXECUTABLE, "", NULL, padded, { "@/cache/.build-id/ab/" ID_REST_16 "/elf" } },
	{ "cache: no id", CACHE, WB_FILE_EXECUTABLE, "/usr/bin/prog", NULL, NULL, { NULL } },
	{ "debuginfod: executable", DEBUGINFOD, WB_FILE_EXECUTABLE, "/x", NULL, id, { "@/client/ab" ID_REST "/executable" } },
	{ "debuginfod: an empty file is none", DEBUGINFOD, WB_FILE_DEBUG, "", NULL, id, { NULL } },
};

static void finds_by_convention(void)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		char path[TEST_PATH_MAX], referrer[TEST_PATH_MAX], expect[TEST_PATH_MAX];
		struct wb_session *session;
		struct wb_find_cursor cursor = { 0 };
		struct wb_candidate candidate;
		struct wb_file_query query = { .size = sizeof query, .role = table[i].role, .path = expand(table[i].path, path),
		                               .referrer = expand(table[i].referrer, referrer), .build_id = table[i].id,
		                               .build_id_size = table[i].id ? 20 : 0 };

		test_row(table[i].name);
		REQUIRE(wb_session_new(NULL, &session) == WB_OK);
		REQUIRE(add(session, table[i].finder) == WB_OK);
		for (size_t k = 0; k < 3 && table[i].expect[k]; k++) {
			if (!CHECK(wb_session_find_next(session, &query, &cursor, &candidate) == WB_OK))
				break;
			CHECK_STR(candidate.path, expand(table[i].expect[k], expect));
			CHECK_EQ_U64(candidate.on_host, table[i].finder == HOST);
			CHECK_EQ_U64(candidate.forced, 0);
		}
		CHECK_EQ_I64(wb_session_find_next(session, &query, &cursor, &candidate), WB_NONE);
		wb_session_free(session);
	}
}

/* Breakpad's layout, by the name of the PDB file, else of the module; and modules' recorded paths are no symbol files. */
static void finds_symbol_files(void)
{
	static const struct { const char *name, *path, *debug_path, *debug_id, *expect; } rows[] = {
		{ "by the PDB's name", "c:\\x\\app.exe", "d:\\y\\app.pdb", "ID1", "symbols/app.pdb/ID1/app.sym" },
		{ "by the module's", "/usr/lib/libx.so", "", "ID2", "symbols/libx.so/ID2/libx.so.sym" },
		{ "another build", "/usr/lib/libx.so", "", "ID1", NULL },
		{ "no id", "/usr/lib/libx.so", "", "", NULL },
		{ "climbing out", "..", "", "ID2", NULL },
		{ "an id that climbs", "/usr/lib/libx.so", "", "../libx.so/ID2", NULL },
	};

	put("symbols/app.pdb/ID1/app.sym", "MODULE");
	put("symbols/libx.so/ID2/libx.so.sym", "MODULE");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wb_file_query query = { .size = sizeof query, .role = WB_FILE_SYMBOLS, .path = rows[i].path, .referrer = "",
		                               .debug_path = rows[i].debug_path, .debug_id = rows[i].debug_id };
		struct wb_find_cursor cursor = { 0 };
		struct wb_candidate candidate;
		struct wb_session *session;

		test_row(rows[i].name);
		REQUIRE(wb_session_new(NULL, &session) == WB_OK && wb_session_add_symbol_dir(session, test_tmp("symbols")) == WB_OK);
		CHECK_EQ_I64(wb_session_find_next(session, &query, &cursor, &candidate), rows[i].expect ? WB_OK : WB_NONE);
		if (rows[i].expect)
			CHECK_STR(candidate.path, test_tmp(rows[i].expect));
		wb_session_free(session);
	}
	test_row(NULL);
}

static void leaves_modules_alone(void)
{
	struct wb_file_query query = { .size = sizeof query, .role = WB_FILE_SYMBOLS, .path = test_tmp("host/bin/prog"), .referrer = "",
	                               .debug_path = "", .debug_id = "ID" };
	struct wb_find_cursor cursor = { 0 };
	struct wb_candidate candidate;
	struct wb_session *session;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK && wb_session_add_host_paths(session) == WB_OK);
	CHECK_EQ_I64(wb_session_find_next(session, &query, &cursor, &candidate), WB_NONE);
	wb_session_free(session);
}

/* Paths of any length end in "no", not in a cut path. */
static void refuses_long_paths(void)
{
	static char path[3 * WB_CANDIDATE_PATH_MAX];
	struct wb_session *session;
	struct wb_find_cursor cursor = { 0 };
	struct wb_candidate candidate;
	struct wb_file_query query = { .size = sizeof query, .path = path, .referrer = path, .build_id = id, .build_id_size = 20 };

	memset(path, 'a', sizeof path - 1);
	path[0] = '/';
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	for (int finder = HOST; finder <= CACHE; finder++)
		add(session, (enum finder)finder);
	for (int role = WB_FILE_EXECUTABLE; role <= WB_FILE_SYMBOLS; role++) {
		query.role = (enum wb_file_role)role;
		cursor = (struct wb_find_cursor){ 0 };
		while (wb_session_find_next(session, &query, &cursor, &candidate) == WB_OK)
			CHECK(strlen(candidate.path) < 512);
	}
	wb_session_free(session);
}

/* ---- One file ------------------------------------------------------------------------------------------------------------- */

static void write_elf(const char *name, const uint8_t *build_id, bool is_debug)
{
	static const uint8_t code[16] = { 0xc3 };
	uint8_t note[64];
	struct elf_make m;
	size_t size;

	elf_make_init(&m, true, false, 3, 62);
	if (build_id)
		elf_make_section(&m, ".note.gnu.build-id", 7, 2, 0x200, note, elf_make_build_id(&m, note, build_id, 20));
	elf_make_section(&m, ".text", is_debug ? 8 : 1, 6, 0x1000, code, sizeof code);
	uint8_t *bytes = elf_make_finish(&m, &size);
	test_write_file(test_tmp(name), bytes, size);
	free(bytes);
}

static void offers_one_file(void)
{
	static const struct { const char *name, *file; enum wb_file_role role; const char *path; const uint8_t *id; bool expect; } rows[] = {
		{ "by build id, whatever the name", "with-id", WB_FILE_EXECUTABLE, "/usr/bin/other", id, true },
		{ "another build of that name", "with-id", WB_FILE_EXECUTABLE, "/usr/bin/with-id", padded, false },
		{ "no id wanted: by name", "with-id", WB_FILE_EXECUTABLE, "/usr/bin/with-id", NULL, true },
		{ "no id wanted, another name", "with-id", WB_FILE_EXECUTABLE, "/usr/bin/other", NULL, false },
		{ "no id had: by name", "without", WB_FILE_EXECUTABLE, "/usr/bin/without", id, true },
		{ "deleted", "without", WB_FILE_EXECUTABLE, "/usr/bin/without (deleted)", NULL, true },
		{ "a debug file is no executable", "debug-file", WB_FILE_EXECUTABLE, "/usr/bin/debug", id, false },
		{ "a debug file by id", "debug-file", WB_FILE_DEBUG, "", id, true },
		{ "a program is not its package", "with-id", WB_FILE_DWP, "/usr/bin/with-id.dwp", id, false },
		{ "a package by name", "with-id.dwp", WB_FILE_DWP, "/usr/bin/with-id.dwp", id, true },
		{ "kernel symbols", "kallsyms", WB_FILE_SYMBOLS, "[kernel.kallsyms]_text", id, true },
		{ "kernel symbols are no executable", "kallsyms", WB_FILE_EXECUTABLE, "[kernel.kallsyms]", id, false },
		{ "perf map by name", "perf-3.map", WB_FILE_SYMBOLS, "/tmp/perf-3.map", NULL, true },
		{ "another perf map", "perf-3.map", WB_FILE_SYMBOLS, "/tmp/perf-4.map", NULL, false },
	};

	write_elf("with-id", id, false);
	write_elf("without", NULL, false);
	write_elf("debug-file", id, true);
	write_elf("with-id.dwp", NULL, false);
	put("kallsyms", "ffffffff81000000 T _text\n");
	put("perf-3.map", "1000 20 f\n");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct wb_session *session;
		struct wb_find_cursor cursor = { 0 };
		struct wb_candidate candidate;
		struct wb_file_query query = { .size = sizeof query, .role = rows[i].role, .path = rows[i].path, .referrer = "",
		                               .build_id = rows[i].id, .build_id_size = rows[i].id ? 20 : 0 };

		test_row(rows[i].name);
		REQUIRE(wb_session_new(NULL, &session) == WB_OK);
		REQUIRE(wb_session_add_file(session, test_tmp(rows[i].file)) == WB_OK);
		CHECK_EQ_I64(wb_session_find_next(session, &query, &cursor, &candidate), rows[i].expect ? WB_OK : WB_NONE);
		if (rows[i].expect) {
			CHECK_STR(candidate.path, test_tmp(rows[i].file));
			CHECK_EQ_U64(candidate.on_host, 0);
			CHECK_EQ_I64(wb_session_find_next(session, &query, &cursor, &candidate), WB_NONE);
		}
		wb_session_free(session);
	}
}

/* A fat Mach-O file for whichever image one of its parts is. */
static void offers_fat_files(void)
{
	static const struct { uint8_t last; bool expect; } rows[] = { { 1, true }, { 2, true }, { 3, false } };
	static const uint32_t cpus[] = { 0x01000007, 0x0100000c };
	static uint8_t fat[3 * 4096];
	struct macho_make order = { .big_endian = true };
	uint8_t uuid[16] = { 0xf0, 0xf1 };

	macho_make_store(&order, fat, 0xcafebabe, 4);
	macho_make_store(&order, fat + 4, 2, 4);
	for (size_t i = 0; i < 2; i++) {
		struct macho_make m;
		size_t size, at = 4096 * (i + 1);
		uint8_t own[16];

		memcpy(own, uuid, 16);
		own[15] = (uint8_t)(i + 1);
		macho_make_init(&m, true, false, cpus[i], 6);
		macho_make_segment(&m, "__TEXT", 0x1000, 5);
		m.uuid = own;
		uint8_t *bytes = macho_make_finish(&m, &size);
		REQUIRE(size <= 4096);
		memcpy(fat + at, bytes, size);
		free(bytes);
		macho_make_store(&order, fat + 8 + i * 20, cpus[i], 4);
		macho_make_store(&order, fat + 16 + i * 20, at, 4);
		macho_make_store(&order, fat + 20 + i * 20, size, 4);
	}
	test_write_file(test_tmp("fat"), fat, sizeof fat);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct wb_file_query query = { .size = sizeof query, .path = "/usr/lib/other", .referrer = "", .build_id = uuid, .build_id_size = 16 };
		struct wb_find_cursor cursor = { 0 };
		struct wb_candidate candidate;
		struct wb_session *session;

		uuid[15] = rows[i].last;
		REQUIRE(wb_session_new(NULL, &session) == WB_OK && wb_session_add_file(session, test_tmp("fat")) == WB_OK);
		CHECK_EQ_I64(wb_session_find_next(session, &query, &cursor, &candidate), rows[i].expect ? WB_OK : WB_NONE);
		wb_session_free(session);
	}
}

/* Debug files of Mach-O files, by their UUID of 16 bytes. */
static void finds_dsyms(void)
{
	static const struct { const char *name; enum finder finder; const char *referrer; size_t id_size; const char *expect[2]; } rows[] = {
		{ "beside the file", HOST, "@/mac/tool", 16, { "@/mac/tool.dSYM/Contents/Resources/DWARF/tool" } },
		{ "beside its bundle", HOST, "@/mac/My.app/Contents/MacOS/My", 16, { "@/mac/My.app.dSYM/Contents/Resources/DWARF/My" } },
		{ "no UUID", HOST, "@/mac/tool", 8, { NULL } },
		{ "gathered in a folder, by name and by UUID", DEBUG_DIR, "/Users/me/tool", 16,
		  { "@/debug/tool.dSYM/Contents/Resources/DWARF/tool", "@/debug/ABCD/EF01/0203/0405/0607/08090A0B0C0D" } },
		{ "of a framework", DEBUG_DIR, "/Library/My.framework/Versions/A/My", 16,
		  { "@/debug/My.framework.dSYM/Contents/Resources/DWARF/My", "@/debug/ABCD/EF01/0203/0405/0607/08090A0B0C0D" } },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char referrer[TEST_PATH_MAX], expect[TEST_PATH_MAX];
		struct wb_file_query query = { .size = sizeof query, .role = WB_FILE_DEBUG, .path = "", .referrer = expand(rows[i].referrer, referrer),
		                               .build_id = padded, .build_id_size = rows[i].id_size };
		struct wb_find_cursor cursor = { 0 };
		struct wb_candidate candidate;
		struct wb_session *session;

		test_row(rows[i].name);
		REQUIRE(wb_session_new(NULL, &session) == WB_OK && add(session, rows[i].finder) == WB_OK);
		for (size_t n = 0; n < 2 && rows[i].expect[n]; n++) {
			REQUIRE(wb_session_find_next(session, &query, &cursor, &candidate) == WB_OK);
			CHECK_STR(candidate.path, expand(rows[i].expect[n], expect));
		}
		CHECK_EQ_I64(wb_session_find_next(session, &query, &cursor, &candidate), WB_NONE);
		wb_session_free(session);
	}
}

static void refuses_wrong_calls(void)
{
	struct wb_session *session;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	CHECK_EQ_I64(wb_session_add_host_paths(NULL), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_session_add_sysroot(session, NULL), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_session_add_file(session, NULL), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_session_add_file(session, "/nonexistent/file"), WB_ERR_IO);
	CHECK_EQ_I64(wb_session_add_file(session, test_tmp("secret")), WB_ERR_UNSUPPORTED);
	wb_session_free(session);
}

int main(void)
{
	test_tmp("");
	make_trees();
	TEST_RUN(finds_by_convention);
	TEST_RUN(finds_symbol_files);
	TEST_RUN(leaves_modules_alone);
	TEST_RUN(refuses_long_paths);
	TEST_RUN(offers_one_file);
	TEST_RUN(offers_fat_files);
	TEST_RUN(finds_dsyms);
	TEST_RUN(refuses_wrong_calls);
	return test_summary();
}
