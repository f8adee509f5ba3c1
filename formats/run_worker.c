/* SPDX-License-Identifier: MIT */
/* A worker of a run: sample in, bytes of the sink's part out. */
#include "formats/run_worker.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/image.h"
#include "model/space.h"

#include <string.h>

enum {
	FRAMES_FIRST = 256,           /* room for frames at first */
	FRAMES_LAST = 1 << 20,        /* and at most, whatever limit the caller's walker has */
	KEY_SHIFT = 3,                /* image ids in keys leave room for flags */
	KNOWN_FIRST = 4096,
	KNOWN_LIMIT = 1 << 19,        /* frames: 32 MiB of table, and in the part some 200 bytes for each */
};

static bool takes_no_wrappers(const struct wb_symbolizer_opts *opts)
{
	struct wb_symbolizer_opts ours;

	return opts && wb_struct_take(&ours, sizeof(ours), opts) == WB_OK && ours.no_wrappers;
}

enum wb_err wb_run_worker_init(struct wb_run_worker *worker, struct wb_session *session, const struct wb_run_opts *opts,
                               struct wb_sink_part *part)
{
	enum wb_err err;

	*worker = (struct wb_run_worker){ .session = session, .part = part, .known_limit = KNOWN_LIMIT };
	worker->no_wrappers = takes_no_wrappers(opts->symbolizer);
	err = wb_walker_new(session, opts->walker, &worker->walker);
	if (!err && !opts->no_symbols && part->format->wants_sites)
		err = wb_symbolizer_new(session, opts->symbolizer, &worker->symbolizer);
	if (!err) {
		worker->frames_capacity = FRAMES_FIRST;
		worker->frames = wb_mem_zalloc(FRAMES_FIRST, sizeof(*worker->frames));
		err = worker->frames ? WB_OK : WB_ERR_MEMORY;
	}
	if (err)
		wb_run_worker_deinit(worker);
	return err;
}

/*
 * The symbolizer, which lists the files that frames are without, sees a frame once. The others are added here, so that the list counts
 * frames, however many workers there are.
 */
static void report_missed(const struct wb_run_worker *worker)
{
	for (size_t i = 0; i < worker->known_size; i++) {
		const struct wb_run_known *known = &worker->known[i];
		struct wb_image *image;

		if (!known->missed || !known->repeats || wb_image_by_id(worker->session, known->image_key >> KEY_SHIFT, &image))
			continue;
		wb_image_missed(image, (enum wb_file_role)(known->missed - 1), known->repeats);
		wb_image_unref(image);
	}
}

void wb_run_worker_deinit(struct wb_run_worker *worker)
{
	report_missed(worker);
	wb_walker_free(worker->walker);
	wb_symbolizer_free(worker->symbolizer);
	wb_mem_free(worker->frames);
	wb_mem_free(worker->ids);
	wb_mem_free(worker->known);
	*worker = (struct wb_run_worker){ 0 };
}

/* ---- What is known ---- */

static uint64_t key_of(const struct wb_frame *frame)
{
	uint64_t flags = (frame->flags & WB_FRAME_HAS_IMAGE ? 2u : 0u) | (frame->flags & WB_FRAME_KERNEL ? 1u : 0u);

	/* Ids are counted up from 1, so the shift loses nothing; the last bit keeps the key of a frame without an image from being 0. */
	return frame->image_id << KEY_SHIFT | flags << 1 | 1;
}

static size_t place_of(uint64_t key, uint64_t image_pc, size_t size)
{
	uint64_t hash = (key ^ image_pc * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xd6e8feb86659fd93);

	return (size_t)(hash >> 32) & (size - 1);
}

static struct wb_run_known *find(const struct wb_run_worker *worker, uint64_t key, uint64_t image_pc)
{
	size_t at = place_of(key, image_pc, worker->known_size);

	while (worker->known[at].image_key && (worker->known[at].image_key != key || worker->known[at].image_pc != image_pc))
		at = (at + 1) & (worker->known_size - 1);
	return &worker->known[at];
}

/* Makes room for one more. All is forgotten only here, between two stacks. */
static enum wb_err make_room(struct wb_run_worker *worker, size_t count)
{
	struct wb_run_known *old = worker->known;
	size_t old_size = worker->known_size, size = old_size ? old_size : KNOWN_FIRST;
	bool forget = worker->num_known + count > worker->known_limit;

	if (!forget && (worker->num_known + count) * 2 <= old_size)
		return WB_OK;
	if (forget) {
		report_missed(worker);
		worker->part->format->forget(worker->part);
		worker->num_known = 0;
	}
	while ((worker->num_known + count) * 2 > size)
		size *= 2;
	worker->known = wb_mem_zalloc(size, sizeof(*worker->known));
	if (!worker->known) {
		worker->known = old;
		return WB_ERR_MEMORY;
	}
	worker->known_size = size;
	for (size_t i = 0; i < old_size && !forget; i++)
		if (old[i].image_key)
			*find(worker, old[i].image_key, old[i].image_pc) = old[i];
	wb_mem_free(old);
	return WB_OK;
}

/* ---- A sample ---- */

/* The file that would have told more, as the symbolizer sees it. Frames that have no place for want of a file were counted by the walker. */
static uint8_t missed_file(const struct wb_run_worker *worker, const struct wb_frame *frame, const struct wb_frame_sites *sites)
{
	const struct wb_site *outer = &sites->sites[sites->count - 1];
	struct wb_image *image;
	uint8_t missed = 0;

	if (!(frame->flags & WB_FRAME_HAS_IMAGE))
		return 0;
	if (outer->function_reason == WB_REASON_NO_FILE || outer->function_reason == WB_REASON_MISMATCHED)
		return 1 + WB_FILE_EXECUTABLE;
	if ((outer->line_reason != WB_REASON_NO_DEBUG_INFO && outer->line_reason != WB_REASON_NOT_ASKED) ||
	    wb_image_by_id(worker->session, frame->image_id, &image))
		return 0;
	if (wb_image_is_in_memory(image))
		missed = 1 + WB_FILE_EXECUTABLE;
	else if (outer->line_reason == WB_REASON_NO_DEBUG_INFO && wb_image_verdict(image, WB_FILE_DEBUG) == WB_VERDICT_MISSING)
		missed = 1 + WB_FILE_DEBUG;
	wb_image_unref(image);
	return missed;
}

/* The rule of runtime/traceback.go, elideWrapperCalling: a wrapper that a panic is about is shown. */
static uint8_t traits_of(const struct wb_frame_sites *sites)
{
	static const char *const panics[] = { "runtime.gopanic", "runtime.sigpanic", "runtime.panicwrap" };
	const struct wb_site *outer = &sites->sites[sites->count - 1];
	uint8_t traits = sites->count == 1 && outer->is_wrapper ? WB_RUN_WRAPPER : 0;

	if (outer->name_source != WB_NAME_GO || !outer->linkage_name)
		return traits;
	for (size_t i = 0; i < sizeof(panics) / sizeof(panics[0]); i++)
		if (!strcmp(outer->linkage_name, panics[i]))
			traits |= WB_RUN_PANIC;
	return traits;
}

static enum wb_err describe(struct wb_run_worker *worker, const struct wb_frame *frame, struct wb_run_known *known)
{
	struct wb_frame_sites sites = { 0 };
	enum wb_err err;

	if (worker->symbolizer) {
		err = wb_symbolize_frame(worker->symbolizer, frame, &sites.sites, &sites.count);
		if (err)
			return err;
	}
	err = worker->part->format->describe(worker->part, frame, sites.count ? &sites : NULL, &known->id);
	if (err)
		return err;
	known->sites = sites.count && sites.count <= UINT16_MAX ? (uint16_t)sites.count : 1;
	known->missed = sites.count ? missed_file(worker, frame, &sites) : 0;
	known->traits = sites.count ? traits_of(&sites) : 0;
	known->repeats = 0;
	known->image_key = key_of(frame);
	known->image_pc = frame->flags & WB_FRAME_HAS_IMAGE ? frame->image_pc : 0;
	worker->num_known++;
	return WB_OK;
}

static enum wb_err identify_frame(struct wb_run_worker *worker, const struct wb_frame *frame, const struct wb_run_known **ret_known)
{
	struct wb_run_known *known = find(worker, key_of(frame), frame->flags & WB_FRAME_HAS_IMAGE ? frame->image_pc : 0);

	*ret_known = known;
	if (!known->image_key)
		return describe(worker, frame, known);
	known->repeats++;
	return WB_OK;
}

/* Numbers the frames and leaves out those that are not to be shown. created_by: NULL if there is none. */
static enum wb_err identify(struct wb_run_worker *worker, size_t *count, const struct wb_frame *created_by)
{
	const struct wb_run_known *known = NULL;
	void *ids = worker->ids;
	uint8_t callee = 0;
	size_t kept = 0;
	enum wb_err err;

	if (!wb_mem_grow(&ids, &worker->ids_capacity, 0, *count + 1, sizeof(*worker->ids)))
		return WB_ERR_MEMORY;
	worker->ids = ids;
	err = make_room(worker, *count + 1);
	for (size_t i = 0; i < *count && !err; i++) {
		err = identify_frame(worker, &worker->frames[i], &known);
		if (err)
			break;
		worker->stats.sites += known->sites;
		worker->stats.hows[worker->frames[i].how & 15]++;
		if (!worker->no_wrappers || !(known->traits & WB_RUN_WRAPPER) || callee & WB_RUN_PANIC) {
			worker->frames[kept] = worker->frames[i];
			worker->ids[kept++] = known->id;
		}
		callee = known->traits;
	}
	*count = kept;
	if (err || !created_by)
		return err;
	err = identify_frame(worker, created_by, &known);
	worker->ids[kept] = known->id;
	return err;
}

/* The go statement that a goroutine was started by, as a frame of the goroutine that it is in. False: unknown. */
static bool make_created_by(struct wb_space *space, const struct wb_goroutine *goroutine, struct wb_frame *ret_frame)
{
	struct wb_place place = { .size = sizeof(place) };
	const struct wb_arch_info *arch = wb_space_arch(space);
	uint64_t lookup_pc;

	/* The runtime itself starts the first one; it says nothing of that. */
	if (!goroutine || !arch || !goroutine->created_at || goroutine->id <= 1)
		return false;
	lookup_pc = goroutine->created_at - arch->call_step;
	if (wb_space_find(space, lookup_pc, &place) || !place.image || !place.has_image_pc)
		return false;
	*ret_frame = (struct wb_frame){ .pc = goroutine->created_at, .lookup_pc = lookup_pc, .image_id = wb_image_id(place.image),
	                                .image_pc = place.image_pc, .flags = WB_FRAME_HAS_IMAGE };
	return true;
}

/* Walks, with more room for frames as long as that is what ends the walk. */
static enum wb_err walk(struct wb_run_worker *worker, struct wb_space *space, const struct wb_sample *sample, size_t *ret_count,
                        struct wb_stop *ret_stop)
{
	for (;;) {
		enum wb_err err = wb_walk(worker->walker, space, sample, worker->frames, sizeof(*worker->frames), worker->frames_capacity,
		                          ret_count, ret_stop);
		size_t capacity = worker->frames_capacity * 4;
		void *frames;

		if (err || ret_stop->reason != WB_STOP_LIMIT || *ret_count < worker->frames_capacity || capacity > FRAMES_LAST)
			return err;
		frames = wb_mem_resize(worker->frames, capacity, sizeof(*worker->frames));
		if (!frames)
			return WB_ERR_MEMORY;
		worker->frames = frames;
		worker->frames_capacity = capacity;
	}
}

enum wb_err wb_run_worker_sample(struct wb_run_worker *worker, struct wb_space *space, const struct wb_sample *sample, const char *event)
{
	struct wb_stack stack = { .size = sizeof(stack), .sample = sample, .space = space, .event = event, .frames = worker->frames };
	enum wb_err err = walk(worker, space, sample, &stack.num_frames, &stack.stop);
	struct wb_frame created_by;

	stack.frames = worker->frames;
	if (make_created_by(space, sample->goroutine, &created_by))
		stack.created_by = &created_by;
	if (!err)
		err = identify(worker, &stack.num_frames, stack.created_by);
	if (!err)
		err = wb_sink_part_write(worker->part, &stack, worker->ids);
	if (err)
		return err;
	worker->stats.stacks++;
	worker->stats.frames += stack.num_frames;
	worker->stats.stops[stack.stop.reason & 15]++;
	worker->stats.complete += stack.stop.reason == WB_STOP_ROOT;
	worker->stats.unwound += sample->num_contexts != 0;
	return WB_OK;
}

void wb_run_stats_add(struct wb_run_stats *stats, const struct wb_run_stats *other)
{
	stats->stacks += other->stacks;
	stats->frames += other->frames;
	stats->sites += other->sites;
	stats->complete += other->complete;
	stats->unwound += other->unwound;
	for (size_t i = 0; i < sizeof(stats->stops) / sizeof(stats->stops[0]); i++)
		stats->stops[i] += other->stops[i];
	for (size_t i = 0; i < sizeof(stats->hows) / sizeof(stats->hows[0]); i++)
		stats->hows[i] += other->hows[i];
}
