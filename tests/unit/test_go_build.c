/* SPDX-License-Identifier: MIT */
/* Go's build information, made by hand after debug/buildinfo/buildinfo.go: both forms, and the module of a function. */
#include "test.h"

#include "model/go_build.h"

enum { BASE = 0x5000, SIZE = 1024 };

static const char modules[] = "path\texample.com/app/cmd\n"
                              "mod\texample.com/app\t(devel)\t\n"
                              "dep\tgithub.com/a/b\tv1.2.3\th1:x=\n"
                              "dep\tgithub.com/a/b/v2\tv2.0.0\n"
                              "=>\t../local\n"
                              "dep\tgopkg.in/yaml.v2\tv2.4.0\th1:y=\n"
                              "=>\tgithub.com/fork/yaml\tv2.9.9\th1:z=\n"
                              "build\tGOARCH=amd64\n";
/* The second has a byte that is 0, as the runtime's has. */
static const uint8_t sentinels[2][16] = { "0123456789abcdef", { 0xf9, 0x32, 0x43, 0x31, 0x86, 0x18, 0x20, 0x72, 0, 0x82, 0x42, 0x10, 0x41, 0x16, 0xd8, 0xf2 } };

struct made { uint8_t bytes[SIZE]; size_t size; };

static void put(struct made *m, const void *bytes, size_t size)
{
	memcpy(m->bytes + m->size, bytes, size);
	m->size += size;
}

static void put_list(struct made *m)
{
	put(m, sentinels[0], 16);
	put(m, modules, strlen(modules));
	put(m, sentinels[1], 16);
}

/* Strings in place, with lengths of seven bits a byte (1.18 and later). */
static void make_inline(struct made *m)
{
	size_t length = strlen(modules) + 32;
	uint8_t varint[2] = { (uint8_t)(length | 0x80), (uint8_t)(length >> 7) };

	memset(m, 0, sizeof(*m));
	put(m, "\xff Go buildinf:\x08\x02", 16);
	m->size = 32;
	put(m, "\x08go1.24.4", 9);
	put(m, varint, 2);
	put_list(m);
}

static void store(struct made *m, size_t at, uint64_t value, unsigned size, bool big_endian)
{
	for (unsigned i = 0; i < size; i++)
		m->bytes[at + i] = (uint8_t)(value >> 8 * (big_endian ? size - 1 - i : i));
}

/* Pointers to strings, which are pointers and lengths. */
static void make_pointers(struct made *m, unsigned word, bool big_endian)
{
	memset(m, 0, sizeof(*m));
	put(m, "\xff Go buildinf:", 14);
	m->bytes[14] = (uint8_t)word;
	m->bytes[15] = big_endian;
	store(m, 16, BASE + 0x40, word, big_endian);
	store(m, 16 + word, BASE + 0x60, word, big_endian);
	store(m, 0x40, BASE + 0x80, word, big_endian);
	store(m, 0x40 + word, 8, word, big_endian);
	store(m, 0x60, BASE + 0x90, word, big_endian);
	store(m, 0x60 + word, strlen(modules) + 32, word, big_endian);
	memcpy(m->bytes + 0x80, "go1.17.1", 8);
	m->size = 0x90;
	put_list(m);
}

static enum wb_err read_made(void *arg, uint64_t image_pc, void *buffer, size_t count)
{
	const struct made *m = arg;

	if (image_pc < BASE || image_pc - BASE > m->size || count > m->size - (image_pc - BASE))
		return WB_NONE;
	memcpy(buffer, m->bytes + (image_pc - BASE), count);
	return WB_OK;
}

static void reads_both_forms(void)
{
	static const struct { const char *name; unsigned word; bool big_endian; const char *version; } rows[] = {
		{ "inline", 0, false, "go1.24.4" }, { "pointers", 8, false, "go1.17.1" }, { "big-endian pointers", 8, true, "go1.17.1" },
		{ "pointers of 4 bytes", 4, true, "go1.17.1" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wb_go_build build;
		struct made m;

		test_row(rows[i].name);
		if (rows[i].word)
			make_pointers(&m, rows[i].word, rows[i].big_endian);
		else
			make_inline(&m);
		REQUIRE(wb_go_build_open(m.bytes, m.size, read_made, &m, &build) == WB_OK);
		CHECK_STR(build.version, rows[i].version);
		CHECK_STR(build.modules, modules);
		wb_go_build_deinit(&build);
	}
	test_row(NULL);
}

static void finds_modules(void)
{
	static const struct { const char *function, *module; } rows[] = {
		{ "main.main", "example.com/app@(devel)" },
		{ "example.com/app/internal/x.F", "example.com/app@(devel)" },
		{ "example.com/apple.F", NULL },
		{ "github.com/a/b.F", "github.com/a/b@v1.2.3" },
		{ "github.com/a/b/c.(*T).M.func1", "github.com/a/b@v1.2.3" },
		{ "github.com/a/b/v2/d.G[go.shape.int]", "github.com/a/b/v2@v2.0.0 => ../local" },
		/* A dot behind the last slash is escaped (cmd/internal/objabi/path.go). */
		{ "gopkg.in/yaml%2ev2.Unmarshal", "gopkg.in/yaml.v2@v2.4.0 => github.com/fork/yaml@v2.9.9" },
		{ "runtime.mallocgc", "std@go1.24.4" },
		{ "crypto/internal/fips140/sha256.blockAVX2", "std@go1.24.4" },
		/* The type arguments have slashes and dots of their own. */
		{ "slices.Sort[github.com/a/b.T]", "std@go1.24.4" },
		{ "memmove", NULL },
		{ "", NULL },
	};
	struct wb_go_build build;
	struct made m;
	char buffer[128];

	make_inline(&m);
	REQUIRE(wb_go_build_open(m.bytes, m.size, read_made, &m, &build) == WB_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum wb_err err = wb_go_build_module(&build, rows[i].function, buffer, sizeof(buffer));

		test_row(rows[i].function);
		CHECK_EQ_I64(err, rows[i].module ? WB_OK : WB_NONE);
		if (!err)
			CHECK_STR(buffer, rows[i].module);
	}
	test_row(NULL);
	CHECK_EQ_I64(wb_go_build_module(&build, "main.main", buffer, 5), WB_ERR_LIMIT);
	wb_go_build_deinit(&build);
}

/* What is cut or changed is broken or absent, never read past its end. */
static void survives_damage(void)
{
	for (int form = 0; form < 2; form++) {
		struct wb_go_build build;
		struct made m, damaged;

		if (form)
			make_pointers(&m, 8, false);
		else
			make_inline(&m);
		for (size_t size = 0; size < m.size; size++) {
			uint8_t *exact = malloc(size ? size : 1);
			enum wb_err err;

			damaged = m;
			damaged.size = size;
			memcpy(exact, m.bytes, size);
			err = wb_go_build_open(exact, size, read_made, &damaged, &build);
			CHECK(err == WB_NONE || err == WB_ERR_DATA);
			free(exact);
		}
		for (size_t at = 0; at < m.size; at++) {
			damaged = m;
			damaged.bytes[at] ^= 0xff;
			if (wb_go_build_open(damaged.bytes, damaged.size, read_made, &damaged, &build) == WB_OK)
				wb_go_build_deinit(&build);
		}
	}
}

int main(void)
{
	TEST_RUN(reads_both_forms);
	TEST_RUN(finds_modules);
	TEST_RUN(survives_damage);
	return test_summary();
}
