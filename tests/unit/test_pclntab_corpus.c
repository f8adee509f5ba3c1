/* SPDX-License-Identifier: MIT */
/*
 * Go's tables in real binaries: found, every function decoded, no broken table of values or inlined call. Over the corpus without arguments; over the
 * files that are given otherwise.
 */
#include "test.h"

#include "base/inflate.h"
#include "base/mem.h"
#include "config.h"
#include "model/pclntab.h"
#include "model/session.h"

enum { BINARY_MAX = 64 << 20 };

static const struct binary {
	const char *name;
	enum wb_pclntab_version version;
	uint8_t word_size, quantum;
	uint32_t functions;           /* as `go tool nm -type` and readers of the table that are not ours count them */
} binaries[] = {
	{ "go/binaries/1.15-linux-amd64-strip.zst", WB_PCLNTAB_1_2, 8, 1, 0 },
	{ "go/binaries/1.19-linux-amd64-strip.zst", WB_PCLNTAB_1_18, 8, 1, 0 },
	{ "go/binaries/1.21-linux-amd64-strip.zst", WB_PCLNTAB_1_20, 8, 1, 0 },
	{ "go/binaries/1.24-cgo-pie.zst", WB_PCLNTAB_1_20, 8, 1, 0 },
	{ "go/binaries/1.24-linux-riscv64-exe.zst", WB_PCLNTAB_1_20, 8, 4, 0 },
	{ "go/binaries/1.26-cgo-pie.zst", WB_PCLNTAB_1_20, 8, 1, 0 },
	{ "go/binaries/1.26-linux-386-exe.zst", WB_PCLNTAB_1_20, 4, 1, 0 },
	{ "go/binaries/1.27-linux-amd64-strip.zst", WB_PCLNTAB_1_20, 8, 1, 0 },
	{ "go/binaries/1.27-linux-arm64-pie.zst", WB_PCLNTAB_1_20, 8, 4, 0 },
	{ "go/binaries/1.19-darwin-arm64-exe.zst", WB_PCLNTAB_1_18, 8, 4, 0 },
	{ "go/binaries/1.27-darwin-arm64-exe.zst", WB_PCLNTAB_1_20, 8, 4, 0 },
	{ "go/binaries/1.24-windows-amd64-exe.zst", WB_PCLNTAB_1_20, 8, 1, 0 },
	{ "go/clobber/1.24-clob-amd64.zst", WB_PCLNTAB_1_20, 8, 1, 0 },
	{ "go/clobber/1.24-clob-arm64.zst", WB_PCLNTAB_1_20, 8, 4, 0 },
	{ "go/amd64-1.24/exe.zst", WB_PCLNTAB_1_20, 8, 1, 0 },
	{ "go/arm64-1.19/exe.zst", WB_PCLNTAB_1_18, 8, 4, 0 },
};

struct counts { size_t functions, values, sites, inlined, wrappers, files, broken; };

/* The unpacked bytes of a .zst file, to be freed; others as they are. */
static uint8_t *read_binary(const char *path, size_t *ret_size)
{
	size_t packed_size, used = 0, size = 0;
	char *packed = test_read_file(path, &packed_size);
	struct wb_inflate_stream *stream;
	uint8_t *bytes;

	if (!packed || strlen(path) < 4 || strcmp(path + strlen(path) - 4, ".zst") != 0) {
		*ret_size = packed_size;
		return (uint8_t *)packed;
	}
	bytes = malloc(BINARY_MAX);
	if (!bytes || wb_inflate_stream_new(WB_PACKING_ZSTD, &stream) != WB_OK)
		exit(1);
	while (used < packed_size) {
		size_t took, made;

		if (wb_inflate_stream_next(stream, packed + used, packed_size - used, &took, bytes + size, BINARY_MAX - size, &made) != WB_OK)
			break;
		used += took;
		size += made;
		if (!took && !made)
			break;
	}
	CHECK(used == packed_size);
	wb_inflate_stream_free(stream);
	free(packed);
	*ret_size = size;
	return bytes;
}

/* Every site of a pc. */
static void check_sites(const struct wb_pclntab *table, uint64_t image_pc, struct counts *counts)
{
	struct wb_go_sites sites;
	struct wb_go_site site;
	enum wb_err err = wb_go_sites_begin(table, image_pc, &sites);

	while (!err && (err = wb_go_sites_next(&sites, &site)) == WB_OK) {
		counts->sites++;
		counts->inlined += site.is_inlined;
		counts->wrappers += site.is_wrapper;
		counts->files += site.file && site.line;
		counts->broken += !site.name || !*site.name;
	}
	if (err != WB_NONE) {
		counts->broken++;
		fprintf(stderr, "pc 0x%" PRIx64 ": sites: %d\n", image_pc, err);
	}
}

/* A table of values, each run of which starts where the one before ended; the sites of each. */
static void check_values(const struct wb_pclntab *table, const struct wb_go_function *function, uint32_t offset, bool sites, struct counts *counts)
{
	struct wb_go_values values;
	enum wb_err err;

	if (!offset)
		return;
	wb_go_values_begin(table, function, offset, &values);
	while ((err = wb_go_values_next(&values)) == WB_OK) {
		counts->values++;
		if (sites && values.start < function->end)
			check_sites(table, values.start, counts);
	}
	if (err != WB_NONE || values.end > function->end) {
		counts->broken++;
		fprintf(stderr, "function at 0x%" PRIx64 ": values at 0x%x: %d, up to 0x%" PRIx64 " of 0x%" PRIx64 "\n", function->start, offset, err,
		        values.end, function->end);
	}
}

static void check_table(const struct wb_pclntab *table, struct counts *counts)
{
	for (uint32_t i = 0; i < table->num_functions; i++) {
		struct wb_go_function function, again;
		enum wb_err err = wb_pclntab_function(table, i, &function);

		if (err == WB_NONE)
			continue;
		counts->functions++;
		if (err || !wb_pclntab_name(table, &function)) {
			counts->broken++;
			continue;
		}
		if (function.start < function.end)
			CHECK(wb_pclntab_find(table, function.start, &again) == WB_OK && again.start == function.start);
		check_values(table, &function, function.sp, false, counts);
		check_values(table, &function, function.file, false, counts);
		check_values(table, &function, function.line, true, counts);
		if (!function.line)
			check_sites(table, function.start, counts);
	}
}

/* False: no format of this build reads the file. */
static bool check_file(const char *path, const struct binary *expect)
{
	struct wb_session_opts opts = { .size = sizeof(opts) };
	const struct wb_pclntab *table = NULL;
	struct counts counts = { 0 };
	struct wb_session *session;
	struct wb_image *image;
	size_t size;
	uint8_t *bytes = read_binary(path, &size);
	enum wb_err err;

	test_row(path);
	if (!bytes || wb_session_new(&opts, &session) != WB_OK)
		exit(1);
	err = wb_image_open_bytes(session, path, bytes, size, 0, NULL, NULL, &image);
	if (err) {
		wb_session_free(session);
		free(bytes);
		return false;
	}
	CHECK(wb_pclntab_of_image(image, &table) == WB_OK);
	if (CHECK(table != NULL)) {
		check_table(table, &counts);
		if (expect) {
			CHECK_EQ_U64(table->version, expect->version);
			CHECK_EQ_U64(table->word_size, expect->word_size);
			CHECK_EQ_U64(table->quantum, expect->quantum);
		}
		CHECK(counts.functions > 1000);
		CHECK(!table->text_is_guess && table->has_text);
		CHECK(counts.inlined > 0 && counts.wrappers > 0 && counts.files > counts.sites / 2);
		CHECK_EQ_U64(counts.broken, 0);
		printf("%s: version %d, text 0x%" PRIx64 ", data 0x%" PRIx64 ", ids %d: %zu functions, %zu values, %zu sites, %zu inlined, %zu wrappers, %zu with a line, %zu broken\n",
		       path, table->version, table->text, table->data, wb_pclntab_ids(table)->wrapper, counts.functions, counts.values, counts.sites, counts.inlined,
		       counts.wrappers, counts.files, counts.broken);
	}
	wb_image_unref(image);
	wb_session_free(session);
	free(bytes);
	return true;
}

static void decodes_the_corpus(void)
{
	for (size_t i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++) {
		const char *path = test_corpus(binaries[i].name);

		if (!path || !WB_HAVE_ZSTD) {
			TEST_SKIP(path ? "zstd" : "no corpus");
			return;
		}
		if (!check_file(path, &binaries[i]))
			fprintf(stderr, "%s: no format of this build\n", path);
	}
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!check_file(argv[i], NULL))
			fprintf(stderr, "%s: no format of this build\n", argv[i]);
	if (argc > 1)
		return test_summary();
	TEST_RUN(decodes_the_corpus);
	return test_summary();
}
