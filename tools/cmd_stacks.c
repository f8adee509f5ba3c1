/* SPDX-License-Identifier: MIT */
/* walkback stacks: a capture to stacks. */
#include "cmd.h"

#include "input.h"
#include "output.h"
#include "path_maps.h"
#include "strategy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MISSING_SHOWN = 5 };

struct stacks {
	struct wb_input input;
	const char *format, *output, *strategy;
	bool scan, no_inline, no_demangle, raw, meta, registers, no_wrappers, short_names;
	uint64_t max_frames, threads;
	struct wb_path_maps path_maps;
};

static const char *const formats[] = { "text", "folded", "json", "go", "minidump-json" };
/* Planned, so that asking for one is told from a slip of the pen. */
static const char *const later_formats[] = { "perf-script", "pprof", "firefox", "flamegraph" };

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static int check_usage(const struct wb_command *command, const struct stacks *stacks, int operands)
{
	if (operands != 1)
		return wb_options_refuse(command, operands ? "one capture at a time" : "no capture; \"-\" is standard input");
	if (is_one_of(stacks->format, later_formats, sizeof(later_formats) / sizeof(later_formats[0])))
		return wb_options_refuse(command, "-f %s: this version does not write it yet, only text, folded, json, go and minidump-json", stacks->format);
	if (!is_one_of(stacks->format, formats, sizeof(formats) / sizeof(formats[0])))
		return wb_options_refuse(command, "-f %s: no such format; there are text, folded, json, go and minidump-json", stacks->format);
	if (stacks->meta && strcmp(stacks->format, "json") && strcmp(stacks->format, "text"))
		return wb_options_refuse(command, "--meta is for -f json and -f text");
	return WB_EXIT_OK;
}

/* A share of all stacks with one digit, rounded down, so that 100.0% means all. */
static const char *percent(char text[32], uint64_t part, uint64_t whole)
{
	uint64_t tenths = whole ? (uint64_t)((double)part * 1000 / (double)whole) : 0;

	if (tenths >= 1000 && part < whole)
		tenths = 999;
	snprintf(text, 32, "%" PRIu64 ".%" PRIu64 "%%", tenths / 10, tenths % 10);
	return text;
}

static const char *stop_words(enum wb_stop_reason reason)
{
	switch (reason) {
	case WB_STOP_ROOT: return "complete";
	case WB_STOP_MEMORY: return "cut by the capture";
	case WB_STOP_NO_IMAGE: return "in a file that is not had";
	case WB_STOP_UNMAPPED: return "outside of all mappings";
	case WB_STOP_NO_INFO: return "where no strategy finds the caller";
	case WB_STOP_BAD_INFO: return "at broken unwind information";
	case WB_STOP_NO_PROGRESS: return "without progress";
	case WB_STOP_LIMIT: return "at the limit of frames";
	case WB_STOP_JOINT: return "on a stack that was not captured";
	case WB_STOP_GIVEN: return "recorded, with an unknown end";
	case WB_STOP_EMPTY: return "empty";
	}
	return "other";
}

/* "walkback: 100 stacks, 90 complete (90.0%), 10 not: 8 cut by the capture, 2 outside of all mappings" */
static void print_summary(struct stacks *stacks, const struct wb_run_stats *stats)
{
	char line[1024], share[32];
	int length = snprintf(line, sizeof(line), "%" PRIu64 " stack%s, %" PRIu64 " complete (%s)", stats->stacks, stats->stacks == 1 ? "" : "s",
	                      stats->complete, percent(share, stats->complete, stats->stacks));

	if (stats->complete < stats->stacks)
		length += snprintf(line + length, sizeof(line) - (size_t)length, ", %" PRIu64 " not", stats->stacks - stats->complete);
	for (unsigned i = 0, n = 0; i < sizeof(stats->stops) / sizeof(stats->stops[0]); i++) {
		if (i == WB_STOP_ROOT || !stats->stops[i] || (size_t)length >= sizeof(line))
			continue;
		length += snprintf(line + length, sizeof(line) - (size_t)length, "%s%" PRIu64 " %s", n++ ? ", " : ": ", stats->stops[i],
		                   stop_words((enum wb_stop_reason)i));
	}
	wb_report_line(&stacks->input.report, "%s", line);
}

static void print_events_note(struct stacks *stacks)
{
	struct wb_capture_info info = { .size = sizeof(info) };
	size_t used = 0;

	if (strcmp(stacks->format, "folded") || wb_capture_info(stacks->input.capture, &info))
		return;
	for (size_t i = 0; i < info.num_events; i++)
		used += info.events[i].samples != 0;
	if (used > 1)
		wb_report_line(&stacks->input.report, "samples of %zu events are counted together; --event chooses one", used);
}

static bool has_event(const struct wb_capture_info *info, const char *name)
{
	for (size_t i = 0; i < info->num_events; i++)
		if (!strcmp(info->events[i].name, name))
			return true;
	return false;
}

/* A name that is asked for and is not there, such as "cycles" for "cycles:u", would just leave the output empty. */
static void print_unknown_events(struct stacks *stacks)
{
	struct wb_capture_info info = { .size = sizeof(info) };
	const struct wb_texts *asked = &stacks->input.events;

	if (wb_capture_info(stacks->input.capture, &info))
		return;
	for (size_t i = 0; i < asked->count; i++)
		if (!has_event(&info, asked->items[i]))
			wb_report_line(&stacks->input.report, "%s: no event %s; %s%s%s", stacks->input.name, asked->items[i],
			               info.num_events ? "there is " : "there are none", info.num_events ? info.events[0].name : "",
			               info.num_events > 1 ? " and others (see walkback info)" : "");
}

static void print_lost_note(struct stacks *stacks)
{
	struct wb_capture_info info = { .size = sizeof(info) };

	if (!wb_capture_info(stacks->input.capture, &info) && info.lost_samples)
		wb_report_line(&stacks->input.report, "%" PRIu64 " samples were lost while recording", info.lost_samples);
}

static void print_goroutines_note(struct stacks *stacks)
{
	struct wb_capture_info info = { .size = sizeof(info) };

	if (stacks->input.goroutines && !wb_capture_info(stacks->input.capture, &info) && strcmp(info.format, "elf-core"))
		wb_report_line(&stacks->input.report, "%s: goroutines are read from ELF cores alone", stacks->input.name);
}

static void print_notes(struct stacks *stacks, const struct wb_run_stats *stats)
{
	wb_progress_clear(&stacks->input.progress);
	if (stacks->input.report.quiet)
		return;
	print_summary(stacks, stats);
	print_unknown_events(stacks);
	print_events_note(stacks);
	print_lost_note(stacks);
	print_goroutines_note(stacks);
	wb_input_report_missing(&stacks->input, MISSING_SHOWN);
}

static enum wb_err run(struct stacks *stacks, const struct wb_strategy_list *list, struct wb_output *output, struct wb_run_stats *stats)
{
	struct wb_walker_opts walker = { .size = sizeof(walker), .strategies = list->count ? list->items : NULL,
	                                 .num_strategies = list->count, .max_frames = (uint32_t)stacks->max_frames };
	struct wb_symbolizer_opts symbolizer = { .size = sizeof(symbolizer), .raw_names = stacks->no_demangle,
	                                         .path_maps = stacks->path_maps.maps, .num_path_maps = stacks->path_maps.count };
	struct wb_sink_opts sink_opts = { .size = sizeof(sink_opts), .meta = stacks->meta, .registers = stacks->registers,
	                                 .session = stacks->input.session };
	struct wb_run_opts opts = { .size = sizeof(opts), .walker = &walker, .symbolizer = &symbolizer,
	                            .threads = (uint32_t)stacks->threads, .no_symbols = stacks->raw };
	struct wb_sink *sink;
	enum wb_err err;

	/* Folded stacks show no lines: without inlined calls, symbol tables have all that they need. */
	symbolizer.no_lines = strcmp(stacks->format, "folded") == 0;
	/* As in Go's own traceback. */
	symbolizer.go_short_names = stacks->short_names || strcmp(stacks->format, "go") == 0;
	symbolizer.no_wrappers = stacks->no_wrappers;
	if (!stacks->no_inline)
		symbolizer.detail = WB_DETAIL_INLINES;
	else
		symbolizer.detail = symbolizer.no_lines ? WB_DETAIL_NAMES : WB_DETAIL_LINES;
	err = wb_sink_new(stacks->format, &sink_opts, wb_output_write, output, &sink);
	if (err)
		return err;
	err = wb_run(stacks->input.session, stacks->input.capture, sink, &opts, stats);
	wb_sink_free(sink);
	return err;
}

static int write_stacks(struct stacks *stacks, const char *path, const struct wb_strategy_list *list)
{
	struct wb_run_stats stats = { .size = sizeof(stats) };
	struct wb_output output;
	int status = wb_input_open(&stacks->input, path);
	enum wb_err err;

	if (status)
		return status;
	if (!wb_output_open(&output, stacks->output, &stacks->input.report))
		return WB_EXIT_FAILED;
	err = run(stacks, list, &output, &stats);
	/* What was walked but could not be written is no result. */
	if (!output.error && (!err || stats.stacks))
		print_notes(stacks, &stats);
	if (err && !output.error)
		status = wb_report_failure(&stacks->input.report, stacks->input.name, err);
	return wb_output_close(&output, &stacks->input.report) ? status : WB_EXIT_FAILED;
}

int wb_cmd_stacks(int argc, char **argv)
{
	struct stacks stacks = { .format = "text" };
	const struct wb_option options[] = {
		{ 'f', "format", WB_OPTION_TEXT, &stacks.format, "FORMAT", "text (default), folded, json, go or minidump-json" },
		{ 'o', "output", WB_OPTION_TEXT, &stacks.output, "FILE", "write to FILE" },
		{ 'j', "threads", WB_OPTION_COUNT, &stacks.threads, "N", "threads (default: one for each processor)" },
		{ 0, "strategy", WB_OPTION_TEXT, &stacks.strategy, "LIST", "how to find callers, in order: auto (default), go, cfi, windows, breakpad, code, leaf, fp, scan" },
		{ 0, "scan", WB_OPTION_FLAG, &stacks.scan, NULL, "as a last resort, guess by scanning the stack" },
		{ 0, "no-inline", WB_OPTION_FLAG, &stacks.no_inline, NULL, "leave out inlined calls" },
		{ 0, "no-demangle", WB_OPTION_FLAG, &stacks.no_demangle, NULL, "names as the objects have them" },
		{ 0, "no-wrappers", WB_OPTION_FLAG, &stacks.no_wrappers, NULL, "leave out the wrappers that Go's compiler makes, as runtime.Callers" },
		{ 0, "short-names", WB_OPTION_FLAG, &stacks.short_names, NULL, "Go names as in its tracebacks: type arguments are [...]" },
		WB_PATH_MAPS_OPTION(&stacks.path_maps),
		{ 0, "raw", WB_OPTION_FLAG, &stacks.raw, NULL, "addresses, no names" },
		{ 0, "max-frames", WB_OPTION_COUNT, &stacks.max_frames, "N", "end each stack after N frames" },
		{ 0, "meta", WB_OPTION_FLAG, &stacks.meta, NULL, "json: a line about the capture first, a summary last; text: all modules of a dump" },
		{ 0, "registers", WB_OPTION_FLAG, &stacks.registers, NULL, "text, json: the registers of each thread, as they were captured" },
		{ 0, "goroutines", WB_OPTION_FLAG, &stacks.input.goroutines, NULL, "ELF cores of Go programs: the stack of every goroutine" },
		{ 0 },
	};
	const struct wb_option *const tables[] = { options, stacks.input.options, stacks.input.path_options, NULL };
	const struct wb_command command = { "stacks", "[OPTION]... CAPTURE",
		"The stacks of a capture: perf.data (file or folder), \"-\" for a pipe from perf, an ELF core, a minidump, or a snapshot folder.", tables };
	struct wb_strategy_list list = { .count = 0 };
	int operands, status;

	wb_input_init(&stacks.input);
	if (!wb_options_parse(&command, argc, argv, &operands, &status))
		return status;
	status = check_usage(&command, &stacks, operands);
	if (status)
		return status;
	if (stacks.max_frames > UINT32_MAX || stacks.threads > UINT32_MAX)
		return wb_options_refuse(&command, "-j and --max-frames take 32-bit numbers");
	if (stacks.strategy && !wb_strategy_parse(stacks.strategy, &list))
		return wb_options_refuse(&command, "--strategy %s: there are auto, go, cfi, windows, breakpad, code, leaf, fp, scan", stacks.strategy);
	if (stacks.scan && (!wb_strategy_parse(stacks.strategy ? "scan" : "auto,scan", &list)))
		return wb_options_refuse(&command, "--scan: too many strategies");
	status = wb_path_maps_parse(&stacks.path_maps, &command);
	if (status)
		return status;
	status = write_stacks(&stacks, argv[1], &list);
	wb_path_maps_deinit(&stacks.path_maps);
	wb_input_deinit(&stacks.input);
	return status;
}
