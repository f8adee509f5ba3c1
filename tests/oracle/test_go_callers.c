/* SPDX-License-Identifier: MIT */
/*
 * Names, files, lines and inlined calls of a Go program against what its own runtime says of the same addresses (go_callers.go), from pclntab and from DWARF.
 *
 * usage: test_go_callers PROGRAM OUTPUT [--debug]
 */
#include "test.h"

#include <walkback/walkback.h>

#include "model/pclntab.h"

enum { SHOWN = 20 };

struct line { char kind; uint64_t pc; char function[1024], file[1024]; uint32_t line; };

struct reader {
	FILE *in;
	struct line now;
	bool has_now;
};

static struct wb_symbolizer *symbolizer;
static struct wb_image *image;
static uint64_t num_lines, num_inlined, num_wrong;

static bool read_line(struct reader *r)
{
	char text[4096];
	struct line *l = &r->now;

	r->has_now = fgets(text, sizeof(text), r->in);
	*l = (struct line){ .kind = r->has_now ? text[0] : 0 };
	if (r->has_now && text[0] != 'S')
		CHECK(sscanf(text + 1, "%" SCNx64 "\t%1023[^\t]\t%1023[^\t]\t%" SCNu32, &l->pc, l->function, l->file, &l->line) == 4);
	return r->has_now;
}

/* The runtime takes a name at the start of its table for none. */
static bool same_name(const char *expect, const char *actual)
{
	return !strcmp(expect, "-") || (actual && !strcmp(expect, actual));
}

/* Between functions there is no line, which the runtime calls ?:0. */
static bool same_file(const char *expect, const char *actual)
{
	return actual ? !strcmp(expect, actual) : !strcmp(expect, "?");
}

static void compare(const struct line *expect, const struct wb_site *site)
{
	num_lines++;
	if (same_name(expect->function, site->function) && same_file(expect->file, site->file) && expect->line == site->line)
		return;
	if (num_wrong++ < SHOWN)
		fprintf(stderr, "%c %" PRIx64 ": %s %s:%u, expected %s %s:%u\n", expect->kind, expect->pc, site->function ? site->function : "-",
		        site->file ? site->file : "-", site->line, expect->function, expect->file, expect->line);
}

/* The frames of one return address: the runtime gives each inlined call an address of its own, which the chain of the first one goes through. */
static void compare_chain(struct reader *r)
{
	const struct wb_site *sites;
	size_t count;

	if (!CHECK(wb_symbolize(symbolizer, image, r->now.pc, WB_PC_RETURN, &sites, &count) == WB_OK)) {
		read_line(r);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!CHECK(r->has_now && r->now.kind == 'F'))
			return;
		num_inlined += sites[i].inlined;
		compare(&r->now, &sites[i]);
		read_line(r);
	}
}

static void compare_address(struct reader *r)
{
	const struct wb_site *sites;
	size_t count;

	if (CHECK(wb_symbolize(symbolizer, image, r->now.pc, WB_PC_EXACT, &sites, &count) == WB_OK))
		compare(&r->now, &sites[0]);
	read_line(r);
}

/* A wrapper that is all of a frame is left out by the runtime, which sees the whole stack; here its address does not come up. */
static void compare_all(const char *output)
{
	struct reader r = { .in = fopen(output, "r") };

	REQUIRE(r.in);
	read_line(&r);
	while (r.has_now) {
		if (r.now.kind == 'F')
			compare_chain(&r);
		else if (r.now.kind == 'P')
			compare_address(&r);
		else
			read_line(&r);
	}
	fclose(r.in);
	printf("%" PRIu64 " frames and addresses, %" PRIu64 " in inlined calls of stacks, %" PRIu64 " wrong\n", num_lines, num_inlined, num_wrong);
	CHECK(num_lines > 100 && num_inlined > 10);
	CHECK_EQ_U64(num_wrong, 0);
}

int main(int argc, char **argv)
{
	struct wb_session_opts session_opts = { .size = sizeof(session_opts) };
	struct wb_symbolizer_opts opts = { .size = sizeof(opts), .detail = WB_DETAIL_INLINES, .go_short_names = 1, .no_wrappers = 1 };
	struct wb_session *session;

	if (argc < 3 || wb_session_new(&session_opts, &session) || wb_image_open(session, argv[1], &image))
		return 2;
	opts.go_from_debug = argc > 3;
	if (wb_symbolizer_new(session, &opts, &symbolizer))
		return 2;
	compare_all(argv[2]);
	wb_symbolizer_free(symbolizer);
	wb_image_unref(image);
	wb_session_free(session);
	return test_summary();
}
