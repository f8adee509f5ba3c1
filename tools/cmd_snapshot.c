/* SPDX-License-Identifier: MIT */
/* walkback snapshot: cuts one sample of a capture into a snapshot folder. */
#include "cmd.h"

#include "input.h"

#include <inttypes.h>
#include <stdio.h>

struct snapshot {
	struct wb_input input;
	uint64_t number;
	const char *folder;
	bool no_objects, debug_files;
};

static enum wb_err find_sample(struct snapshot *s, struct wb_space **ret_space, const struct wb_sample **ret_sample, uint64_t *ret_seen)
{
	enum wb_err err = WB_OK;

	*ret_seen = 0;
	for (uint64_t i = 0; i <= s->number && !err; i++) {
		err = wb_capture_next(s->input.capture, ret_space, ret_sample);
		*ret_seen += !err;
	}
	return err;
}

static int run(struct snapshot *s, const char *path)
{
	int copy = s->no_objects ? 0 : s->debug_files ? 2 : 1;
	const struct wb_sample *sample;
	struct wb_space *space;
	int status = wb_input_open(&s->input, path);
	enum wb_err err;
	uint64_t seen;

	if (status)
		return status;
	err = find_sample(s, &space, &sample, &seen);
	if (err == WB_NONE) {
		wb_report_line(&s->input.report, "%s: no sample %" PRIu64 ": there are %" PRIu64, path, s->number, seen);
		return WB_EXIT_FAILED;
	}
	if (err)
		return wb_report_failure(&s->input.report, path, err);
	if (!sample->num_contexts) {
		wb_report_line(&s->input.report, "%s: sample %" PRIu64 " has no registers: there is nothing to unwind", path, s->number);
		return WB_EXIT_FAILED;
	}
	err = wb_snapshot_write(s->input.session, space, sample, s->folder, copy);
	if (err)
		return wb_report_failure(&s->input.report, s->folder, err);
	if (!s->input.report.quiet)
		wb_report_line(&s->input.report, "%s: sample %" PRIu64 ": %s %" PRIu32 "/%" PRIu32, s->folder, s->number,
		               sample->comm && *sample->comm ? sample->comm : "?", sample->pid, sample->tid);
	return WB_EXIT_OK;
}

int wb_cmd_snapshot(int argc, char **argv)
{
	struct snapshot s = { .number = 0 };
	const struct wb_option options[] = {
		{ 'n', "number", WB_OPTION_COUNT, &s.number, "N", "which sample, counted from 0 among those that are asked for (default: 0)" },
		{ 'o', "output", WB_OPTION_TEXT, &s.folder, "DIR", "the folder to make" },
		{ 0, "no-objects", WB_OPTION_FLAG, &s.no_objects, NULL, "do not copy the objects that the stack points into" },
		{ 0, "debug-files", WB_OPTION_FLAG, &s.debug_files, NULL, "copy their separate debug files too" },
		{ 0 },
	};
	const struct wb_option *const tables[] = { options, s.input.options, s.input.path_options, NULL };
	const struct wb_command command = { "snapshot", "[OPTION]... CAPTURE -n N -o DIR",
		"One sample as a folder with maps.txt, regs.txt, stack*.data and the objects.", tables };
	int operands, status;

	wb_input_init(&s.input);
	if (!wb_options_parse(&command, argc, argv, &operands, &status))
		return status;
	if (operands != 1)
		return wb_options_refuse(&command, operands ? "one capture at a time" : "no capture");
	if (!s.folder)
		return wb_options_refuse(&command, "no folder to make; -o DIR names it");
	status = run(&s, argv[1]);
	wb_input_deinit(&s.input);
	return status;
}
