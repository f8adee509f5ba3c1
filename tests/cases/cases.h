/* SPDX-License-Identifier: MIT */
/*
 * Runs a case: its debug information is made in every format that it is for, and asked under every policy through the public face. Answers are
 * written as text, innermost site first: "leaf /inc/b.h:3:7 < outer /build/a.c:12"; what is unknown as "?" and, after "!", its reason.
 *
 * With WALKBACK_CASES=FOLDER in the environment the objects are left there, for readelf, llvm-symbolizer and others to look at; with
 * WALKBACK_SEEDS=FOLDER an input of fuzz_dwarf for each case.
 */
#ifndef TESTS_CASES_CASES_H
#define TESTS_CASES_CASES_H

#include <walkback/walkback.h>

#include "config.h"
#include "dwarf_make.h"
#include "test.h"

struct answer {
	uint64_t pc;
	const char *sites;            /* NULL ends a list */
};

struct dwarf_case {
	const char *name;
	void (*make)(struct dwarf_make *m, unsigned kind);
	const struct answer *answers;
	unsigned kind;                /* handed to make */
	unsigned first_version, last_version; /* 0: 2 and 5 */
	bool is_damaged;              /* diagnostics say so */
};

static const struct { enum wb_dwarf_policy policy; const char *name; bool is_here; } policies[] = {
	{ WB_DWARF_REFERENCE, "reference", WB_HAVE_LIBDWARF },
	{ WB_DWARF_FAST, "fast", true },
	{ WB_DWARF_BOTH, "both", true },
};
enum { NUM_POLICIES = sizeof policies / sizeof policies[0] };

/* ---- Answers as text -------------------------------------------------------------------------------------------------------- */

static inline const char *reason_word(unsigned reason)
{
	switch ((enum wb_reason)reason) {
	case WB_REASON_NONE: return "known";
	case WB_REASON_NO_IMAGE: return "no-image";
	case WB_REASON_NO_FILE: return "no-file";
	case WB_REASON_MISMATCHED: return "mismatched";
	case WB_REASON_NO_SYMBOL: return "no-symbol";
	case WB_REASON_NO_DEBUG_INFO: return "no-debug-info";
	case WB_REASON_NO_UNIT: return "no-unit";
	case WB_REASON_NO_LINE: return "no-line";
	case WB_REASON_BAD_INFO: return "bad-info";
	case WB_REASON_NOT_ASKED: return "not-asked";
	case WB_REASON_UNSUPPORTED: return "unsupported";
	}
	return "?";
}

static inline size_t show_site(char *at, size_t size, const struct wb_site *site)
{
	size_t n;

	if (site->function)
		n = (size_t)snprintf(at, size, "%s ", site->function);
	else
		n = (size_t)snprintf(at, size, "?!%s ", reason_word(site->function_reason));
	if (site->file)
		n += (size_t)snprintf(at + n, size - n, "%s:%u", site->file, site->line);
	else if (site->line)
		n += (size_t)snprintf(at + n, size - n, "?:%u", site->line);
	else
		n += (size_t)snprintf(at + n, size - n, "!%s", reason_word(site->line_reason));
	if (site->column)
		n += (size_t)snprintf(at + n, size - n, ":%u", site->column);
	return n;
}

static inline void show_sites(char *buffer, size_t size, const struct wb_site *sites, size_t count)
{
	size_t n = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < count && n + 1 < size; i++) {
		CHECK(sites[i].inlined == (i + 1 < count) && sites[i].call_depth == count - 1 - i);
		n += (size_t)snprintf(buffer + n, size - n, "%s", i > 0 ? " < " : "");
		n += show_site(buffer + n, size - n, &sites[i]);
	}
}

/* ---- One object under one policy ---------------------------------------------------------------------------------------------- */

struct asked {
	struct wb_session *session;
	struct wb_image *image;
	struct wb_symbolizer *symbolizer;
	unsigned malformed;           /* diagnostics that say so */
};

static inline void count_malformed(void *arg, const struct wb_diag *diag)
{
	struct asked *asked = arg;

	asked->malformed += diag->code == WB_DIAG_DWARF_MALFORMED;
}

/* object is borrowed until asked_close. */
static inline bool asked_open(struct asked *asked, const uint8_t *object, size_t size, enum wb_dwarf_policy policy)
{
	struct wb_session_opts opts = { .size = sizeof opts, .diag = count_malformed, .diag_arg = asked, .dwarf = (uint8_t)policy };

	*asked = (struct asked){ 0 };
	return CHECK(wb_session_new(&opts, &asked->session) == WB_OK) &&
	       CHECK(wb_image_open_bytes(asked->session, "object", object, size, 0, NULL, NULL, &asked->image) == WB_OK) &&
	       CHECK(wb_symbolizer_new(asked->session, NULL, &asked->symbolizer) == WB_OK);
}

static inline void asked_close(struct asked *asked)
{
	wb_symbolizer_free(asked->symbolizer);
	wb_image_unref(asked->image);
	wb_session_free(asked->session);
}

static inline void check_answers(struct asked *asked, const struct answer *answers)
{
	for (; answers->sites; answers++) {
		const struct wb_site *sites;
		char text[1024], what[32];
		size_t count = 0;

		snprintf(what, sizeof what, "at 0x%" PRIx64, answers->pc);
		if (!CHECK(wb_symbolize(asked->symbolizer, asked->image, answers->pc, WB_PC_EXACT, &sites, &count) == WB_OK))
			continue;
		show_sites(text, sizeof text, sites, count);
		test_check_str(text, answers->sites, what, TEST_WHERE);
	}
}

/* ---- All formats, all policies ------------------------------------------------------------------------------------------------- */

/* FOLDER/case_13_odd_ends_version_3 */
static inline bool path_in_folder(const char *variable, const char *name, char *ret_path)
{
	const char *folder = getenv(variable);
	size_t n;

	if (!folder)
		return false;
	n = (size_t)snprintf(ret_path, TEST_PATH_MAX, "%s/case_", folder);
	for (; *name && n + 2 < TEST_PATH_MAX; name++) {
		bool is_letter = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", *name) != NULL;

		if (is_letter || ret_path[n - 1] != '_')
			ret_path[n++] = is_letter ? *name : '_';
	}
	ret_path[n] = '\0';
	return true;
}

static inline void keep_object(const char *name, const uint8_t *object, size_t size)
{
	char path[TEST_PATH_MAX];

	if (path_in_folder("WALKBACK_CASES", name, path))
		test_write_file(path, object, size);
}

/* As fuzz/dwarf_input.h reads it. */
static inline void keep_seed(const char *name, const struct dwarf_make *m)
{
	char path[TEST_PATH_MAX], numbered[128];
	FILE *file;

	snprintf(numbered, sizeof numbered, "%s, version %u", name, m->format.version);
	name = numbered;
	if (!path_in_folder("WALKBACK_SEEDS", name, path))
		return;
	file = fopen(path, "wb");
	if (!CHECK(file != NULL))
		return;
	fputc((m->format.big_endian ? 1 : 0) | (m->text_start ? 2 : 0), file);
	for (int i = 0; i < WB_DWARF_SECTIONS; i++) {
		const struct dwarf_buffer *buffer = &m->by_id[i];

		if (buffer->size == 0 || buffer->size > UINT16_MAX)
			continue;
		fputc(i, file);
		fputc((int)(buffer->size & 0xff), file);
		fputc((int)(buffer->size >> 8), file);
		fwrite(buffer->bytes, 1, buffer->size, file);
	}
	CHECK(fclose(file) == 0);
}

static inline void run_format(const struct dwarf_case *c, struct dwarf_format format, bool is_seed)
{
	char name[128], row[160];
	struct dwarf_make m;
	uint8_t *object;
	size_t size;

	snprintf(name, sizeof name, "%s, version %u, offsets of %u, %s-endian addresses of %u", c->name, format.version, format.offset_size,
	         format.big_endian ? "big" : "little", format.address_size);
	dwarf_make_init(&m, format);
	c->make(&m, c->kind);
	object = dwarf_make_object(&m, &size);
	keep_object(name, object, size);
	if (is_seed)
		keep_seed(c->name, &m);
	for (size_t i = 0; i < NUM_POLICIES; i++) {
		struct asked asked;

		if (!policies[i].is_here)
			continue;
		snprintf(row, sizeof row, "%s, %s", name, policies[i].name);
		test_row(row);
		if (asked_open(&asked, object, size, policies[i].policy))
			check_answers(&asked, c->answers);
		CHECK_EQ_U64(asked.malformed > 0, c->is_damaged);
		asked_close(&asked);
	}
	test_row(NULL);
	free(object);
	dwarf_make_deinit(&m);
}

/* DWARF 2 has no 64-bit format (it came with DWARF 3, 7.4). Cases take turns at which format is the seed. */
static inline void run_case(const struct dwarf_case *c, size_t number)
{
	unsigned first = c->first_version ? c->first_version : 2, last = c->last_version ? c->last_version : 5;
	size_t count = 0, turn = number * 5 % (8 * (last - first + 1) - (first == 2 ? 4 : 0));

	for (unsigned version = first; version <= last; version++)
		for (unsigned offset_size = 4; offset_size <= (version > 2 ? 8u : 4u); offset_size += 4)
			for (unsigned address_size = 4; address_size <= 8; address_size += 4)
				for (int big = 0; big < 2; big++)
					run_format(c, (struct dwarf_format){ version, offset_size, address_size, big }, count++ == turn);
}

static inline void run_cases(const struct dwarf_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run_case(&cases[i], i);
}
#define RUN_CASES(cases) run_cases(cases, sizeof cases / sizeof cases[0])

/* Whether there is a compiler of functions in this build. */
static inline bool can_ask(void)
{
	for (size_t i = 0; i < NUM_POLICIES; i++)
		if (policies[i].is_here)
			return true;
	return false;
}

#endif
