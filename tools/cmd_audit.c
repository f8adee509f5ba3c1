/* SPDX-License-Identifier: MIT */
/*
 * walkback audit: of an object, functions that break the walks of others; of a capture, where strategies disagree and where chains of frame pointers
 * break, and by whom.
 */
#include "cmd_audit.h"

#include "cmd.h"
#include "names.h"
#include "object_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINES_DEFAULT = 20,           /* places of dissent that are shown */
	IMAGES_MAX = 64,              /* whose code is looked at for who broke a chain */
	HOWS = WB_HOW_EHABI + 1,
};

static const char indent[] = "          "; /* as wide as a count */

struct images { struct wb_audit_findings items[IMAGES_MAX]; size_t count; };

/* ---- Objects ---- */

/* A crash says which address could not be read: the return address behind a saved frame pointer, mostly. */
static enum wb_err explain_bad_value(struct wb_audit *audit, const struct wb_audit_findings *findings)
{
	enum { WORD = 8 };
	uint64_t values[] = { audit->bad_value, audit->bad_value - WORD };
	enum wb_err err = WB_NONE;

	for (size_t i = 0; i < 2 && err == WB_NONE; i++)
		err = wb_audit_explain(audit, findings, values[i], UINT64_MAX);
	if (err == WB_NONE && !audit->json)
		wb_output_format(&audit->output, "0x%" PRIx64 " and 0x%" PRIx64 ": no instruction puts them into a register%s\n", values[0], values[1],
		                 findings->count ? "; functions that break walks:" : "");
	if (err == WB_NONE) {
		wb_audit_print(audit, findings);
		err = WB_OK;
	}
	return err;
}

static enum wb_err audit_object(struct wb_audit *audit, const char *path)
{
	struct wb_audit_findings findings;
	struct wb_image *image;
	enum wb_err err = wb_input_open_object(&audit->input, path, &image);

	if (err)
		return err;
	err = wb_audit_find(audit, image, &findings);
	wb_image_unref(image);
	if (err == WB_ERR_UNSUPPORTED) {
		wb_report_line(&audit->input.report, "%s: the instructions of its architecture are not read", path);
		atomic_fetch_add(&audit->input.report.errors, 1);
	}
	if (err)
		return err;
	if (audit->has_bad_value)
		err = explain_bad_value(audit, &findings);
	else
		wb_audit_print(audit, &findings);
	wb_audit_findings_deinit(&findings);
	return err;
}

/* ---- Captures ---- */

static void print_totals(struct wb_audit *audit, const struct wb_comparison_totals *totals)
{
	if (!audit->json)
		wb_output_format(&audit->output, "%" PRIu64 " samples, %" PRIu64 " frames compared, %" PRIu64 " samples with a broken chain of frame pointers\n",
		                 totals->samples, totals->frames, totals->chains);
	else
		wb_output_format(&audit->output, "{\"type\":\"totals\",\"samples\":%" PRIu64 ",\"frames\":%" PRIu64 ",\"broken_chains\":%" PRIu64 "}\n",
		                 totals->samples, totals->frames, totals->chains);
	for (unsigned how = 0; how < HOWS; how++) {
		uint64_t asked = totals->agreed[how] + totals->dissented[how] + totals->broken[how];

		if (!totals->taken[how] && !asked)
			continue;
		wb_output_format(&audit->output, audit->json ? "{\"type\":\"strategy\",\"strategy\":\"%s\",\"taken\":%" PRIu64 ",\"agreed\":%" PRIu64
		                                               ",\"disagreed\":%" PRIu64 ",\"broken\":%" PRIu64 "}\n"
		                                             : "  %-14s %8" PRIu64 " taken %8" PRIu64 " agree %8" PRIu64 " disagree %8" PRIu64 " broken\n",
		                 wb_how_text((enum wb_how)how), totals->taken[how], totals->agreed[how], totals->dissented[how], totals->broken[how]);
	}
}

static void put_where(struct wb_audit *audit, const struct wb_dissent *dissent)
{
	struct wb_image *image = NULL;

	if (dissent->image_id && wb_image_by_id(audit->input.session, dissent->image_id, &image) == WB_OK)
		wb_audit_place(audit, image, dissent->image_pc);
	else if (!audit->json)
		wb_buffer_format(&audit->line, "0x%" PRIx64, dissent->image_pc);
	wb_image_unref(image);
}

static void print_dissent_json(struct wb_audit *audit, const struct wb_dissent *dissent)
{
	static const char *const kinds[] = { "", "caller", "broken", "chain" };
	struct wb_buffer *line = &audit->line;

	wb_buffer_format(line, "{\"type\":\"disagreement\",\"kind\":\"%s\",\"count\":%" PRIu64 ",\"sample\":%" PRIu64 ",\"image_pc\":\"0x%" PRIx64
	                 "\",\"taken\":\"%s\",\"other\":\"%s\"", kinds[dissent->kind], dissent->count, dissent->sample, dissent->image_pc,
	                 wb_how_text(dissent->taken), wb_how_text(dissent->other));
	if (dissent->kind == WB_DISSENT_CALLER)
		wb_buffer_format(line, ",\"pc\":\"0x%" PRIx64 "\",\"other_pc\":\"0x%" PRIx64 "\"", dissent->pc, dissent->other_pc);
	if (dissent->kind == WB_DISSENT_CHAIN)
		wb_buffer_format(line, ",\"value\":\"0x%" PRIx64 "\"", dissent->value);
	put_where(audit, dissent);
	wb_buffer_text(line, "}");
	wb_audit_line(audit);
}

static void print_dissent(struct wb_audit *audit, const struct wb_dissent *dissent)
{
	struct wb_buffer *line = &audit->line;

	if (audit->json) {
		print_dissent_json(audit, dissent);
		return;
	}
	wb_buffer_format(line, "%8" PRIu64 "  ", dissent->count);
	switch (dissent->kind) {
	case WB_DISSENT_CALLER:
		wb_buffer_format(line, "%s has another caller than %s (0x%" PRIx64 ", 0x%" PRIx64 ") in ", wb_how_text(dissent->other),
		                 wb_how_text(dissent->taken), dissent->other_pc, dissent->pc);
		break;
	case WB_DISSENT_BROKEN:
		wb_buffer_format(line, "%s is broken, or needs what was not captured, in ", wb_how_text(dissent->other));
		break;
	case WB_DISSENT_CHAIN:
		wb_buffer_format(line, "the chain of frame pointers breaks with 0x%" PRIx64 " in ", dissent->value);
		break;
	}
	put_where(audit, dissent);
	wb_buffer_format(line, ", sample %" PRIu64, dissent->sample);
	wb_audit_line(audit);
}

/* The findings of an image, found once; NULL: its code cannot be looked at. */
static const struct wb_audit_findings *findings_of(struct wb_audit *audit, struct images *images, uint64_t image_id)
{
	struct wb_image *image;
	struct wb_audit_findings *next;

	for (size_t i = 0; i < images->count; i++)
		if (wb_image_id(images->items[i].image) == image_id)
			return images->items[i].failed ? NULL : &images->items[i];
	if (images->count == IMAGES_MAX || wb_image_by_id(audit->input.session, image_id, &image) != WB_OK)
		return NULL;
	next = &images->items[images->count++];
	if (wb_audit_find(audit, image, next) != WB_OK)
		*next = (struct wb_audit_findings){ .image = wb_image_ref(image), .failed = true };
	wb_image_unref(image);
	return next->failed ? NULL : next;
}

static enum wb_err explain_chain(struct wb_audit *audit, struct images *images, const struct wb_dissent *dissent)
{
	const struct wb_audit_findings *findings = findings_of(audit, images, dissent->image_id);
	enum wb_err err;

	audit->shown++;
	if (!findings)
		return WB_OK;
	err = wb_audit_explain(audit, findings, dissent->value, dissent->image_pc);
	if (err == WB_NONE && !audit->json)
		wb_output_text(&audit->output, "          nothing that it calls by name is seen to change frame pointers\n");
	return err == WB_NONE ? WB_OK : err;
}

/* Breaks of chains first, then the rest. */
static enum wb_err print_dissents(struct wb_audit *audit, struct wb_comparison *comparison, struct images *images)
{
	struct wb_dissent dissent = { .size = sizeof(dissent) };
	enum wb_err err = WB_OK;

	for (int chains = 1; chains >= 0; chains--) {
		uint64_t shown = 0, left_out = 0;

		for (size_t i = 0; !err && wb_comparison_nth(comparison, i, &dissent) == WB_OK; i++) {
			if ((dissent.kind == WB_DISSENT_CHAIN) != (chains == 1))
				continue;
			if (!audit->json && shown == audit->max_lines) {
				left_out++;
				continue;
			}
			shown++;
			print_dissent(audit, &dissent);
			if (chains)
				err = explain_chain(audit, images, &dissent);
		}
		if (left_out)
			wb_output_format(&audit->output, "          and %" PRIu64 " other places\n", left_out);
	}
	return err;
}

static enum wb_err compare_all(struct wb_audit *audit, struct wb_comparison *comparison)
{
	const struct wb_sample *sample;
	struct wb_space *space;
	enum wb_err err = WB_OK;

	while (!err) {
		err = wb_capture_next(audit->input.capture, &space, &sample);
		if (!err)
			err = wb_comparison_add(comparison, space, sample);
	}
	return err == WB_NONE ? WB_OK : err;
}

static enum wb_err audit_capture(struct wb_audit *audit)
{
	struct wb_comparison_totals totals = { .size = sizeof(totals) };
	struct wb_comparison *comparison;
	struct images *images = calloc(1, sizeof(*images));
	enum wb_err err = images ? wb_comparison_new(audit->input.session, &comparison) : WB_ERR_MEMORY;

	if (err) {
		free(images);
		return err;
	}
	err = compare_all(audit, comparison);
	if (!err)
		err = wb_comparison_totals(comparison, &totals);
	if (!err) {
		print_totals(audit, &totals);
		err = print_dissents(audit, comparison, images);
	}
	for (size_t i = 0; i < images->count; i++)
		wb_audit_findings_deinit(&images->items[i]);
	free(images);
	wb_comparison_free(comparison);
	return err;
}

/* ---- The command ---- */

static int run(struct wb_audit *audit, const char *path, const char *file)
{
	bool is_object = wb_object_is(path);
	int status = is_object ? wb_input_start(&audit->input) : wb_input_open(&audit->input, path);
	enum wb_err err;

	if (status)
		return status;
	err = wb_symbolizer_new(audit->input.session, NULL, &audit->symbolizer);
	if (err)
		return wb_report_failure(&audit->input.report, path, err);
	if (!wb_output_open(&audit->output, file, &audit->input.report))
		return WB_EXIT_FAILED;
	audit->indent = is_object ? "" : indent;
	err = is_object ? audit_object(audit, path) : audit_capture(audit);
	wb_progress_clear(&audit->input.progress);
	if (err && !audit->output.error)
		status = wb_report_failure(&audit->input.report, path, err);
	if (!wb_output_close(&audit->output, &audit->input.report))
		return WB_EXIT_FAILED;
	return status ? status : audit->shown ? WB_EXIT_FINDINGS : WB_EXIT_OK;
}

int wb_cmd_audit(int argc, char **argv)
{
	struct wb_audit audit = { .max_lines = LINES_DEFAULT, .indent = "" };
	const char *format = "text", *file = NULL, *bad_value = NULL;
	const struct wb_option options[] = {
		{ 'f', "format", WB_OPTION_TEXT, &format, "FORMAT", "text (default) or json: an object a line" },
		{ 'o', "output", WB_OPTION_TEXT, &file, "FILE", "write there instead of to standard output" },
		{ 0, "bad-value", WB_OPTION_TEXT, &bad_value, "VALUE", "objects: what a crash said of a frame pointer, or of the word behind it" },
		{ 0, "max-places", WB_OPTION_COUNT, &audit.max_lines, "N", "captures, text: places of disagreement that are shown (default: 20)" },
		{ 0 },
	};
	const struct wb_option *const tables[] = { options, audit.input.options, audit.input.path_options, audit.input.object_options, NULL };
	const struct wb_command command = { "audit", "[OPTION]... CAPTURE or OBJECT",
		"Where strategies disagree, where chains of frame pointers break, and which functions break them.", tables };
	int operands, status;

	wb_input_init(&audit.input);
	if (!wb_options_parse(&command, argc, argv, &operands, &status))
		return status;
	if (operands != 1)
		return wb_options_refuse(&command, operands ? "one capture or object at a time" : "no capture, no object");
	audit.json = !strcmp(format, "json");
	if (!audit.json && strcmp(format, "text"))
		return wb_options_refuse(&command, "-f %s: there are text and json", format);
	audit.has_bad_value = bad_value != NULL;
	if (bad_value && !wb_options_address(bad_value, &audit.bad_value))
		return wb_options_refuse(&command, "--bad-value %s: not a number", bad_value);
	if (bad_value && !wb_object_is(argv[1]))
		return wb_options_refuse(&command, "--bad-value is for objects; of a capture, it is found");
	status = run(&audit, argv[1], file);
	wb_buffer_deinit(&audit.line);
	wb_symbolizer_free(audit.symbolizer);
	wb_input_deinit(&audit.input);
	return status;
}
