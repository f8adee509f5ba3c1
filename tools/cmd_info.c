/* SPDX-License-Identifier: MIT */
/*
 * walkback info: what a capture has and what it needs. For each module: whether its files were found and match, which unwind and debug
 * information they have, and how many frames fell into it. For an object: the same without frames.
 */
#include "cmd.h"

#include "buffer.h"
#include "input.h"
#include "object_file.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FRAMES_CAP = 65536,           /* of a stack: a walker's own limit */
	MISSING_SHOWN = 20,
};

/* Frames by image. Images are held, so that they can be described at the end. */
struct module {
	struct wb_image *image;
	uint64_t id, frames, ends;    /* ends: stacks that end here without being complete */
};

/* A thread of a dump: what became of its walk, and how much of its stack there is. */
struct thread {
	uint32_t tid;
	bool crashed;
	uint64_t frames;
	enum wb_stop_reason stop;
	uint64_t had, whole;          /* bytes of the stack from the stack pointer to the end of its mapping; whole 0: nothing is mapped there */
};

struct info {
	const char *format;
	bool missing;                 /* only what is missing */
	struct thread *threads;       /* of a dump; else none */
	size_t num_threads, threads_capacity;
	struct wb_input input;
	struct wb_output output;
	struct module *modules;
	size_t num_modules, capacity;
	uint64_t stacks, complete, nowhere; /* nowhere: frames outside of all modules */
};

/* ---- Images ---- */

static void put_id(struct info *info, const uint8_t *id, size_t size)
{
	for (size_t i = 0; i < size; i++)
		wb_output_format(&info->output, "%02x", id[i]);
}

static void put_file(struct info *info, const char *what, const struct wb_file_info *file)
{
	if (file->verdict == WB_VERDICT_NOT_TRIED)
		return;
	wb_output_format(&info->output, "    %-12s%s", what, wb_verdict_text(file->verdict));
	if (file->path && *file->path) {
		wb_output_text(&info->output, ": ");
		wb_output_clean(&info->output, file->path);
	}
	wb_output_text(&info->output, "\n");
}

static void put_part_name(struct info *info, const struct wb_image_part *part, bool is_first)
{
	wb_output_format(&info->output, "%s%s", is_first ? "" : ", ", part->name);
	if (part->bytes)
		wb_output_format(&info->output, " (%" PRIu64 " bytes)", part->bytes);
}

/* The parts of one use, from the nth on, which is the first of the next use then. */
static enum wb_err put_parts(struct info *info, struct wb_image *image, enum wb_part_use use, const char *what, size_t *nth)
{
	struct wb_image_part part = { .size = sizeof(part) };
	size_t first = *nth;
	enum wb_err err;

	wb_output_format(&info->output, "    %-12s", what);
	for (; (err = wb_image_part(image, *nth, &part)) == WB_OK && part.use == use; ++*nth)
		put_part_name(info, &part, *nth == first);
	wb_output_text(&info->output, *nth == first ? "none\n" : "\n");
	return err == WB_NONE ? WB_OK : err;
}

static enum wb_err put_image(struct info *info, struct wb_image *image)
{
	struct wb_image_info described = { .size = sizeof(described) };
	struct wb_image_part first = { .size = sizeof(first) };
	enum wb_err err = wb_image_info(image, &described);
	size_t nth = 0;

	if (err)
		return err;
	wb_output_text(&info->output, "  ");
	wb_output_clean(&info->output, *described.path ? described.path : "?");
	wb_output_text(&info->output, "\n    build id    ");
	if (described.build_id_size)
		put_id(info, described.build_id, described.build_id_size);
	else
		wb_output_text(&info->output, "unknown");
	wb_output_text(&info->output, "\n");
	if (*described.format)
		wb_output_format(&info->output, "    format      %s, %s\n", described.format, wb_arch_name(described.platform.arch));
	put_file(info, "file", &described.files[WB_FILE_EXECUTABLE]);
	if (described.in_memory)
		wb_output_text(&info->output, "                what was captured of the process's memory serves instead\n");
	put_file(info, "debug file", &described.files[WB_FILE_DEBUG]);
	put_file(info, "dwz file", &described.files[WB_FILE_SUPPLEMENTARY]);
	put_file(info, "symbols", &described.files[WB_FILE_SYMBOLS]);
	if (!*described.format && wb_image_part(image, 0, &first) == WB_NONE)
		return WB_OK;
	err = put_parts(info, image, WB_PART_UNWIND, "unwind", &nth);
	return err ? err : put_parts(info, image, WB_PART_NAMES, "names", &nth);
}

/* ---- Walking ---- */

static struct module *module_of(struct info *info, uint64_t id)
{
	struct wb_image *image;
	struct module *grown;

	for (size_t i = info->num_modules; i--;)
		if (info->modules[i].id == id)
			return &info->modules[i];
	if (!id || wb_image_by_id(info->input.session, id, &image))
		return NULL;
	if (info->num_modules == info->capacity) {
		size_t capacity = info->capacity ? info->capacity * 2 : 64;

		grown = realloc(info->modules, capacity * sizeof(*grown));
		if (!grown) {
			wb_image_unref(image);
			return NULL;
		}
		info->modules = grown;
		info->capacity = capacity;
	}
	info->modules[info->num_modules] = (struct module){ .image = image, .id = id };
	return &info->modules[info->num_modules++];
}

static void count_stack(struct info *info, const struct wb_frame *frames, size_t count, const struct wb_stop *stop)
{
	struct module *module;

	info->stacks++;
	info->complete += stop->reason == WB_STOP_ROOT;
	for (size_t i = 0; i < count; i++) {
		module = module_of(info, frames[i].image_id);
		if (module)
			module->frames++;
		else
			info->nowhere++;
	}
	module = stop->reason == WB_STOP_ROOT || !count ? NULL : module_of(info, frames[count - 1].image_id);
	if (module)
		module->ends++;
}

/* Address of the first byte from `at` on that is not in the dump; at most `end`. */
static uint64_t dumped_until(struct wb_space *space, const struct wb_sample *sample, uint64_t at, uint64_t end)
{
	enum { STEP = 4096 };         /* bytes looked at: what is in a dump is in whole pages, as a rule */

	for (size_t i = 0; i < sample->num_regions; i++)
		if (at >= sample->regions[i].address && at - sample->regions[i].address < sample->regions[i].size)
			at = sample->regions[i].address + sample->regions[i].size;
	while (at < end) {
		uint64_t next = (at | (STEP - 1)) + 1, last = (next && next < end ? next : end) - 1;
		uint8_t byte;

		if (wb_space_read(space, at, &byte, 1) || wb_space_read(space, last, &byte, 1))
			break;
		at = last + 1;
	}
	return at < end ? at : end;
}

/* The stack that the stack pointer is in: where it ends, if that is known, and as far as the sample and the space have it without a gap. */
static void measure_stack(struct wb_space *space, const struct wb_sample *sample, uint64_t sp, struct thread *thread)
{
	enum { STACK_MAX = 1 << 30 }; /* bytes that are looked for where nothing says how long it is */
	struct wb_place place = { .size = sizeof(place) };

	if (wb_space_find(space, sp, &place) == WB_OK)
		thread->whole = place.end - sp;
	thread->had = dumped_until(space, sample, sp, thread->whole ? place.end : sp <= UINT64_MAX - STACK_MAX ? sp + STACK_MAX : UINT64_MAX) - sp;
}

static enum wb_err note_thread(struct info *info, struct wb_space *space, const struct wb_sample *sample, const struct wb_frame *frames, size_t count,
                               const struct wb_stop *stop)
{
	struct thread *thread;

	if (info->num_threads == info->threads_capacity) {
		size_t capacity = info->threads_capacity ? info->threads_capacity * 2 : 64;
		struct thread *grown = realloc(info->threads, capacity * sizeof(*grown));

		if (!grown)
			return WB_ERR_MEMORY;
		info->threads = grown;
		info->threads_capacity = capacity;
	}
	thread = &info->threads[info->num_threads++];
	*thread = (struct thread){ .tid = sample->tid, .crashed = sample->flags & WB_SAMPLE_CRASHED, .frames = count, .stop = stop->reason };
	if (count && frames[0].sp)
		measure_stack(space, sample, frames[0].sp, thread);
	return WB_OK;
}

/* Frames are named for what the session then knows: the files that names would have needed. */
static enum wb_err name_frames(struct wb_symbolizer *symbolizer, const struct wb_frame *frames, size_t count)
{
	const struct wb_site *sites;
	enum wb_err err = WB_OK;
	size_t num_sites;

	for (size_t i = 0; i < count && !err; i++)
		err = wb_symbolize_frame(symbolizer, &frames[i], &sites, &num_sites);
	return err;
}

/* Whether samples are threads of one stopped process. */
static bool has_threads(const struct info *info)
{
	struct wb_capture_info capture = { .size = sizeof(capture) };

	return !wb_capture_info(info->input.capture, &capture) && (capture.threads || capture.dump);
}

static enum wb_err walk_all(struct info *info)
{
	struct wb_symbolizer_opts opts = { .size = sizeof(opts), .detail = WB_DETAIL_INLINES, .raw_names = 1 };
	struct wb_frame *frames = malloc(FRAMES_CAP * sizeof(*frames));
	bool is_dump = has_threads(info);
	const struct wb_sample *sample;
	struct wb_symbolizer *symbolizer = NULL;
	struct wb_walker *walker = NULL;
	struct wb_space *space;
	enum wb_err err = frames ? wb_walker_new(info->input.session, NULL, &walker) : WB_ERR_MEMORY;

	if (!err)
		err = wb_symbolizer_new(info->input.session, &opts, &symbolizer);
	while (!err) {
		struct wb_stop stop;
		size_t count;

		err = wb_capture_next(info->input.capture, &space, &sample);
		if (!err)
			err = wb_walk(walker, space, sample, frames, sizeof(*frames), FRAMES_CAP, &count, &stop);
		if (!err)
			err = name_frames(symbolizer, frames, count);
		if (!err)
			count_stack(info, frames, count, &stop);
		if (!err && is_dump)
			err = note_thread(info, space, sample, frames, count, &stop);
	}
	wb_symbolizer_free(symbolizer);
	wb_walker_free(walker);
	free(frames);
	return err == WB_NONE ? WB_OK : err;
}

/* ---- A capture ---- */

static void put_text(struct info *info, const char *what, const char *text)
{
	if (!text || !*text)
		return;
	wb_output_format(&info->output, "%-14s", what);
	wb_output_clean(&info->output, text);
	wb_output_text(&info->output, "\n");
}

static enum wb_err put_capture(struct info *info)
{
	struct wb_capture_info capture = { .size = sizeof(capture) };
	enum wb_err err = wb_capture_info(info->input.capture, &capture);

	if (err)
		return err;
	put_text(info, "format", capture.format);
	put_text(info, "architecture", wb_arch_name(capture.platform.arch));
	put_text(info, "host", capture.hostname);
	put_text(info, "kernel", capture.os_release);
	put_text(info, "command", capture.command_line);
	put_text(info, "from here", capture.from_this_host   ? "yes: unverifiable files of this host are used" :
	                            info->input.paths.trust ? "no: unverifiable files of this host are used as --trust-paths says" :
	                                                      "no: files of this host are used only if they match");
	for (size_t i = 0; i < capture.num_events; i++) {
		wb_output_format(&info->output, "%-14s", "event");
		wb_output_clean(&info->output, capture.events[i].name);
		wb_output_format(&info->output, ": %" PRIu64 " samples\n", capture.events[i].samples);
	}
	put_text(info, "crash", capture.crash_reason);
	if (capture.crash_tid)
		wb_output_format(&info->output, "%-14s%" PRIu32 " of process %" PRIu32 ", of %" PRIu64 " threads\n", "thread", capture.crash_tid, capture.pid,
		                 capture.threads ? capture.threads : info->num_threads);
	if (capture.memory_mapped)
		wb_output_format(&info->output, "%-14s%" PRIu64 " bytes mapped, %" PRIu64 " of them in the dump\n", "memory", capture.memory_mapped,
		                 capture.memory_dumped);
	if (capture.truncated)
		put_text(info, "cut", "the file ends too early; what was behind is missing");
	wb_output_format(&info->output, "%-14s%" PRIu64 ", %" PRIu64 " complete\n", "stacks", info->stacks, info->complete);
	if (capture.lost_samples)
		wb_output_format(&info->output, "%-14s%" PRIu64 " samples\n", "lost", capture.lost_samples);
	if (capture.skipped_records)
		wb_output_format(&info->output, "%-14s%" PRIu64 " records of kinds that are not understood\n", "skipped", capture.skipped_records);
	return WB_OK;
}

static const char *end_text(enum wb_stop_reason stop)
{
	return stop == WB_STOP_ROOT ? "complete" : wb_stop_text(stop);
}

static void put_threads(struct info *info)
{
	if (info->num_threads)
		wb_output_text(&info->output, "\nthreads\n");
	for (size_t i = 0; i < info->num_threads; i++) {
		const struct thread *thread = &info->threads[i];

		wb_output_format(&info->output, "  %8" PRIu32 "  %5" PRIu64 " frames, %s; ", thread->tid, thread->frames, end_text(thread->stop));
		if (!thread->whole && !thread->had)
			wb_output_text(&info->output, "nothing is at its stack pointer");
		else if (!thread->whole)
			wb_output_format(&info->output, "%" PRIu64 " bytes of its stack in the dump", thread->had);
		else
			wb_output_format(&info->output, "%" PRIu64 " of %" PRIu64 " bytes of its stack in the dump", thread->had, thread->whole);
		wb_output_text(&info->output, thread->crashed ? "; crashed\n" : "\n");
	}
}

/* Whether frames are in an image read from memory instead, which is listed then. */
static bool is_listed_in_memory(struct wb_image *image)
{
	struct wb_image_info described = { .size = sizeof(described) };

	return wb_image_info(image, &described) == WB_OK && described.in_memory;
}

/* A dump's modules that no frame is in are wanted too: whether they would match is known only once they are looked for. */
static void add_modules(struct info *info)
{
	struct wb_capture_info capture = { .size = sizeof(capture) };

	if (!info->num_threads || wb_capture_info(info->input.capture, &capture))
		return;
	for (size_t i = 0; i < capture.num_modules; i++)
		if (capture.modules[i].image && !is_listed_in_memory(capture.modules[i].image))
			module_of(info, wb_image_id(capture.modules[i].image));
}

static void put_refused(struct info *info, struct wb_image *image)
{
	struct wb_refused refused = { .size = sizeof(refused) };

	for (size_t i = 0; wb_image_refused(image, WB_FILE_EXECUTABLE, i, &refused) == WB_OK; i++) {
		wb_output_text(&info->output, "    refused     ");
		wb_output_clean(&info->output, refused.path);
		wb_output_text(&info->output, ": ");
		wb_output_clean(&info->output, *refused.reason ? refused.reason : wb_verdict_text(refused.verdict));
		wb_output_text(&info->output, "\n");
	}
}

static int compare_modules(const void *a, const void *b)
{
	const struct module *x = a, *y = b;

	if (x->frames != y->frames)
		return x->frames > y->frames ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static enum wb_err put_modules(struct info *info)
{
	enum wb_err err = WB_OK;

	add_modules(info);
	if (info->num_modules)
		qsort(info->modules, info->num_modules, sizeof(*info->modules), compare_modules);
	wb_output_text(&info->output, "\nmodules, by frames\n");
	for (size_t i = 0; i < info->num_modules && !err; i++) {
		const struct module *module = &info->modules[i];

		err = put_image(info, module->image);
		put_refused(info, module->image);
		wb_output_format(&info->output, "    frames      %" PRIu64, module->frames);
		if (module->ends)
			wb_output_format(&info->output, "; %" PRIu64 " stacks end here that are not complete", module->ends);
		wb_output_text(&info->output, "\n");
	}
	if (info->nowhere)
		wb_output_format(&info->output, "  outside of all modules\n    frames      %" PRIu64 "\n", info->nowhere);
	return err;
}

static void put_missing(struct info *info)
{
	wb_output_text(&info->output, "\nmissing, by frames that are without it\n");
	for (size_t i = 0; i < MISSING_SHOWN; i++) {
		struct wb_wanted wanted = { .size = sizeof(wanted) };
		char text[WB_INPUT_WANTED_SIZE];

		if (wb_session_wanted(info->input.session, i, &wanted)) {
			if (!i)
				wb_output_text(&info->output, "  nothing\n");
			return;
		}
		wb_output_format(&info->output, "  %8" PRIu64 "  ", wanted.frames);
		wb_output_clean(&info->output, *wanted.path ? wanted.path : "?");
		wb_input_wanted_text(&wanted, text, sizeof(text));
		wb_output_format(&info->output, ": %s", text);
		if (wanted.build_id_size)
			wb_output_text(&info->output, ", build id ");
		put_id(info, wanted.build_id, wanted.build_id_size < sizeof(wanted.build_id) ? wanted.build_id_size : sizeof(wanted.build_id));
		wb_output_text(&info->output, "\n");
	}
}

static const char *role_name(enum wb_file_role role)
{
	switch (role) {
	case WB_FILE_EXECUTABLE: return "executable";
	case WB_FILE_DEBUG: return "debug";
	case WB_FILE_SUPPLEMENTARY: return "supplementary";
	case WB_FILE_DWO: return "dwo";
	case WB_FILE_DWP: return "dwp";
	case WB_FILE_SYMBOLS: return "symbols";
	}
	return "other";
}

/* One missing file as a line of JSON: what to bring. */
static void put_missing_json(struct info *info, const struct wb_wanted *wanted)
{
	struct wb_buffer line = { 0 };

	wb_buffer_format(&line, "{\"type\":\"missing\",\"role\":\"%s\"", role_name(wanted->role));
	if (*wanted->path) {
		wb_buffer_text(&line, ",\"path\":");
		wb_buffer_json(&line, wanted->path);
	}
	wb_buffer_text(&line, wanted->build_id_size ? ",\"build_id\":\"" : "");
	for (size_t i = 0; i < wanted->build_id_size && i < sizeof(wanted->build_id); i++)
		wb_buffer_format(&line, "%02x", wanted->build_id[i]);
	wb_buffer_format(&line, "%s,\"verdict\":\"%s\",\"frames\":%" PRIu64 "}\n", wanted->build_id_size ? "\"" : "",
	                 wb_verdict_text(wanted->verdict), wanted->frames);
	wb_output_text(&info->output, line.text ? line.text : "");
	wb_buffer_deinit(&line);
}

static void put_missing_lines(struct info *info)
{
	struct wb_wanted wanted = { .size = sizeof(wanted) };

	for (size_t i = 0; wb_session_wanted(info->input.session, i, &wanted) == WB_OK; i++)
		put_missing_json(info, &wanted);
}

static enum wb_err describe_capture(struct info *info)
{
	bool json = !strcmp(info->format, "json");
	enum wb_err walk_err = walk_all(info), err = WB_OK;

	if (!info->missing) {
		err = put_capture(info);
		if (!err)
			put_threads(info);
		if (!err)
			err = put_modules(info);
	}
	if (!err && json)
		put_missing_lines(info);
	else if (!err)
		put_missing(info);
	return err ? err : walk_err;
}

/* ---- The command ---- */

static int run(struct info *info, const char *path)
{
	bool object = wb_object_is(path);
	struct wb_image *image = NULL;
	int status = object ? wb_input_start(&info->input) : wb_input_open(&info->input, path);
	enum wb_err err;

	if (status)
		return status;
	if (!wb_output_open(&info->output, NULL, &info->input.report))
		return WB_EXIT_FAILED;
	err = object ? wb_input_open_object(&info->input, path, &image) : describe_capture(info);
	if (!err && object)
		err = put_image(info, image);
	wb_image_unref(image);
	wb_progress_clear(&info->input.progress);
	if (err && !info->output.error)
		status = wb_report_failure(&info->input.report, path, err);
	return wb_output_close(&info->output, &info->input.report) ? status : WB_EXIT_FAILED;
}

int wb_cmd_info(int argc, char **argv)
{
	struct info info = { .format = "text" };
	const struct wb_option options[] = {
		{ 0, "missing", WB_OPTION_FLAG, &info.missing, NULL, "only the files that are missing, and how many frames are without each" },
		{ 'f', "format", WB_OPTION_TEXT, &info.format, "FORMAT", "text (default); with --missing also json: an object a line" },
		{ 0 },
	};
	const struct wb_option *const tables[] = { options, info.input.options, info.input.object_options, info.input.path_options, NULL };
	const struct wb_command command = { "info", "[OPTION]... FILE",
		"The modules of a capture, what was found of them, and what is missing; or what an object has.", tables };
	int operands, status;

	wb_input_init(&info.input);
	if (!wb_options_parse(&command, argc, argv, &operands, &status))
		return status;
	if (operands != 1)
		return wb_options_refuse(&command, operands ? "one file at a time" : "no file");
	if (strcmp(info.format, "text") && (strcmp(info.format, "json") || !info.missing))
		return wb_options_refuse(&command, "-f %s: there is text, and with --missing json", info.format);
	status = run(&info, argv[1]);
	for (size_t i = 0; i < info.num_modules; i++)
		wb_image_unref(info.modules[i].image);
	free(info.modules);
	free(info.threads);
	wb_input_deinit(&info.input);
	return status;
}
