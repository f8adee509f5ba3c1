/* SPDX-License-Identifier: MIT */
/*
 * The run: capture -> walk -> symbolize -> sink, by public calls and the sink's parts. On one thread there is no lock and no copy of a
 * sample; on several, see run_threads.c. The output is the same.
 */
#include <walkback/formats.h>

#include "base/err.h"
#include "base/lock.h"
#include "formats/run_events.h"
#include "formats/run_threads.h"
#include "formats/run_worker.h"

#include <stdbool.h>

enum { THREADS_MAX = 256 };

static enum wb_err next_sample(struct wb_capture *capture, struct wb_run_events **events, struct wb_space **ret_space,
                               const struct wb_sample **ret_sample)
{
	enum wb_err err = wb_capture_next(capture, ret_space, ret_sample);

	return err ? err : wb_run_events_update(events, capture, (*ret_sample)->event);
}

static enum wb_err run_serial(struct wb_capture *capture, struct wb_sink *sink, const struct wb_run_opts *opts, struct wb_run_worker *worker,
                              struct wb_run_events **events)
{
	const struct wb_sample *sample;
	struct wb_space *space;
	enum wb_err err = WB_OK;

	for (uint64_t i = 0; !err && (!opts->count || i < opts->skip + opts->count); i++) {
		err = next_sample(capture, events, &space, &sample);
		if (err || i < opts->skip)
			continue;
		err = wb_run_worker_sample(worker, space, sample, wb_run_events_name(*events, sample->event));
		if (!err && worker->part->out.size >= WB_SINK_PUT_SIZE)
			err = wb_sink_put(sink, &worker->part->out);
	}
	return err == WB_NONE ? WB_OK : err;
}

static enum wb_err run_on(struct wb_session *session, struct wb_capture *capture, struct wb_sink *sink, const struct wb_run_opts *opts,
                          struct wb_run_stats *stats)
{
	struct wb_run_events *events = NULL;
	struct wb_run_worker worker;
	enum wb_err err;

	if (opts->threads > 1) {
		err = wb_run_threads(session, capture, sink, opts, &events, stats);
	} else {
		err = wb_run_worker_init(&worker, session, opts, wb_sink_main_part(sink));
		if (!err) {
			err = run_serial(capture, sink, opts, &worker, &events);
			wb_run_stats_add(stats, &worker.stats);
			wb_run_worker_deinit(&worker);
		}
	}
	wb_run_events_free(events);
	return err;
}

static enum wb_err begin(struct wb_capture *capture, struct wb_sink *sink, bool *ret_scans)
{
	struct wb_capture_info info = { .size = sizeof(info) };
	enum wb_err err = wb_capture_info(capture, &info);

	if (err)
		return err;
	*ret_scans = info.dump && info.dump->scans;
	return wb_sink_begin(sink, &info);
}

/* What `auto` means where files are not at hand, as a rule. */
static const enum wb_how scanning[] = { WB_HOW_COMPACT, WB_HOW_CFI, WB_HOW_WINDOWS, WB_HOW_BREAKPAD, WB_HOW_CODE, WB_HOW_EHABI, WB_HOW_LEAF, WB_HOW_FRAME_POINTER, WB_HOW_SCAN };

static enum wb_err choose_strategies(const struct wb_walker_opts *given, struct wb_walker_opts *walker)
{
	enum wb_err err = given ? wb_struct_take(walker, sizeof(*walker), given) : WB_OK;

	walker->size = sizeof(*walker);
	if (!err && !walker->strategies) {
		walker->strategies = scanning;
		walker->num_strategies = sizeof(scanning) / sizeof(scanning[0]);
	}
	return err;
}

enum wb_err wb_run(struct wb_session *session, struct wb_capture *capture, struct wb_sink *sink, const struct wb_run_opts *opts,
                   struct wb_run_stats *ret_stats)
{
	struct wb_run_stats stats = { 0 };
	struct wb_walker_opts walker = { 0 };
	struct wb_run_opts ours = { 0 };
	enum wb_err err, finish_err;
	bool scans = false;

	if (!session || !capture || !sink)
		return WB_ERR_ARGUMENT;
	err = opts ? wb_struct_take(&ours, sizeof(ours), opts) : WB_OK;
	if (err || ours.skip + ours.count < ours.skip)
		return err ? err : WB_ERR_ARGUMENT;
	if (!ours.threads)
		ours.threads = wb_lock_processors();
	if (ours.threads > THREADS_MAX)
		ours.threads = THREADS_MAX;
	if (wb_sink_main_part(sink)->format->is_document)
		ours.threads = 1;
	err = begin(capture, sink, &scans);
	if (!err && scans) {
		err = choose_strategies(ours.walker, &walker);
		ours.walker = &walker;
	}
	if (!err)
		err = run_on(session, capture, sink, &ours, &stats);
	/* What was read before a failure stands, so the sink is finished all the same. */
	finish_err = wb_sink_finish(sink);
	if (err == WB_ERR_DATA && ours.keep_going)
		err = WB_OK;
	if (ret_stats) {
		enum wb_err give_err = wb_struct_give(ret_stats, &stats, sizeof(stats));

		err = err ? err : give_err;
	}
	return err ? err : finish_err;
}
