/* SPDX-License-Identifier: MIT */
/*
 * The run on several threads. The calling thread reads batches of samples into a ring of slots and writes out, in order, what has become
 * of them; workers take the slots between. The ring bounds what is in memory. Totals (folded stacks) stay in the workers' parts
 * and are added up at the end.
 */
#include "formats/run_threads.h"

#include "base/lock.h"
#include "base/mem.h"

enum {
	BATCH_SAMPLES = 32,           /* of 8 KiB of stack each, as a rule */
	SLOTS_PER_WORKER = 3,
};

enum slot_state { SLOT_EMPTY, SLOT_FULL, SLOT_TAKEN, SLOT_DONE };

struct slot {
	enum slot_state state;        /* as all in the ring, under the lock; what follows is its holder's */
	struct wb_batch *batch;
	const struct wb_run_events *events;
	size_t first, end;            /* items of the batch that are wanted */
	struct wb_out out;            /* what they became */
	enum wb_err err;              /* of the item after the last in `out` */
};

struct ring {
	pthread_mutex_t lock;
	pthread_cond_t full, done;    /* a slot is full (or it is over); a slot is done */
	struct slot *slots;
	size_t num_slots;
	size_t read, taken, written;  /* slots so far: those to come are at this number modulo num_slots */
	bool over;                    /* no slot will be filled any more */
	bool abandoned;               /* and the full ones do not matter */
};

struct thread {
	pthread_t id;
	struct ring *ring;
	struct wb_run_worker worker;
};

struct threads {
	struct thread *items;
	size_t started;               /* threads that run */
	size_t ready;                 /* workers that were set up: at least as many */
};

/* ---- Workers ---- */

static void process(struct wb_run_worker *worker, struct slot *slot)
{
	struct wb_out spare = slot->out;

	for (size_t i = slot->first; i < slot->end && !slot->err; i++) {
		const struct wb_walk_item *item = &slot->batch->items[i];

		slot->err = wb_run_worker_sample(worker, item->space, item->sample, wb_run_events_name(slot->events, item->sample->event));
	}
	slot->out = worker->part->out;
	worker->part->out = spare;
}

static void *thread_main(void *arg)
{
	struct thread *thread = arg;
	struct ring *ring = thread->ring;

	pthread_mutex_lock(&ring->lock);
	for (;;) {
		struct slot *slot = &ring->slots[ring->taken % ring->num_slots];

		if (ring->abandoned || (ring->over && ring->taken == ring->read))
			break;
		if (ring->taken == ring->read) {
			pthread_cond_wait(&ring->full, &ring->lock);
			continue;
		}
		ring->taken++;
		slot->state = SLOT_TAKEN;
		pthread_mutex_unlock(&ring->lock);
		process(&thread->worker, slot);
		pthread_mutex_lock(&ring->lock);
		slot->state = SLOT_DONE;
		pthread_cond_signal(&ring->done);
	}
	pthread_mutex_unlock(&ring->lock);
	return NULL;
}

/* ---- The reading and writing side ---- */

/* Fills a slot with the next batch. `number` counts samples from the start of the capture. */
static enum wb_err read_slot(struct wb_capture *capture, const struct wb_run_opts *opts, struct wb_run_events **events, struct slot *slot,
                             uint64_t *number)
{
	uint64_t end = opts->count ? opts->skip + opts->count : UINT64_MAX;
	struct wb_batch *batch;
	enum wb_err err;

	if (*number >= end)
		return WB_NONE;
	err = wb_capture_next_batch(capture, BATCH_SAMPLES, &batch);
	if (err)
		return err;
	for (size_t i = 0; i < batch->count && !err; i++)
		err = wb_run_events_update(events, capture, batch->items[i].sample->event);
	if (err) {
		wb_batch_free(batch);
		return err;
	}
	slot->batch = batch;
	slot->events = *events;
	slot->first = *number >= opts->skip ? 0 : opts->skip - *number < batch->count ? (size_t)(opts->skip - *number) : batch->count;
	slot->end = end - *number < batch->count ? (size_t)(end - *number) : batch->count;
	slot->out.size = 0;
	slot->err = WB_OK;
	*number += batch->count;
	return WB_OK;
}

/* Writes the oldest slot, waiting for it if need be. */
static enum wb_err write_slot(struct ring *ring, struct wb_sink *sink)
{
	struct slot *slot = &ring->slots[ring->written % ring->num_slots];
	enum wb_err err;

	pthread_mutex_lock(&ring->lock);
	while (slot->state != SLOT_DONE)
		pthread_cond_wait(&ring->done, &ring->lock);
	slot->state = SLOT_EMPTY;
	pthread_mutex_unlock(&ring->lock);
	ring->written++;
	wb_batch_free(slot->batch);
	slot->batch = NULL;
	err = wb_sink_put(sink, &slot->out);
	return err ? err : slot->err;
}

static void publish(struct ring *ring)
{
	pthread_mutex_lock(&ring->lock);
	ring->slots[ring->read % ring->num_slots].state = SLOT_FULL;
	ring->read++;
	pthread_cond_signal(&ring->full);
	pthread_mutex_unlock(&ring->lock);
}

static void end_ring(struct ring *ring, bool abandon)
{
	pthread_mutex_lock(&ring->lock);
	ring->over = true;
	ring->abandoned = abandon;
	pthread_cond_broadcast(&ring->full);
	pthread_mutex_unlock(&ring->lock);
}

static enum wb_err drive(struct ring *ring, struct wb_capture *capture, struct wb_sink *sink, const struct wb_run_opts *opts,
                         struct wb_run_events **events)
{
	enum wb_err read_err = WB_OK, err = WB_OK;
	uint64_t number = 0;

	while (!err) {
		if (!read_err && ring->read - ring->written < ring->num_slots) {
			read_err = read_slot(capture, opts, events, &ring->slots[ring->read % ring->num_slots], &number);
			if (!read_err)
				publish(ring);
		} else if (ring->written < ring->read) {
			err = write_slot(ring, sink);
		} else {
			break;
		}
	}
	end_ring(ring, err != WB_OK);
	return err ? err : read_err == WB_NONE ? WB_OK : read_err;
}

/* ---- Setting up ---- */

static enum wb_err ring_init(struct ring *ring, size_t workers)
{
	*ring = (struct ring){ .num_slots = workers * SLOTS_PER_WORKER };
	ring->slots = wb_mem_zalloc(ring->num_slots, sizeof(*ring->slots));
	if (!ring->slots)
		return WB_ERR_MEMORY;
	pthread_mutex_init(&ring->lock, NULL);
	pthread_cond_init(&ring->full, NULL);
	pthread_cond_init(&ring->done, NULL);
	return WB_OK;
}

static void ring_deinit(struct ring *ring)
{
	for (size_t i = 0; i < ring->num_slots; i++) {
		wb_batch_free(ring->slots[i].batch);
		wb_out_deinit(&ring->slots[i].out);
	}
	wb_mem_free(ring->slots);
	pthread_cond_destroy(&ring->done);
	pthread_cond_destroy(&ring->full);
	pthread_mutex_destroy(&ring->lock);
}

/* As many threads as can be had, at least one. */
static enum wb_err threads_start(struct threads *threads, struct wb_session *session, struct wb_sink *sink, const struct wb_run_opts *opts,
                                 struct ring *ring)
{
	for (size_t i = 0; i < opts->threads; i++) {
		struct thread *thread = &threads->items[i];
		struct wb_sink_part *part;
		enum wb_err err = wb_sink_part_new(sink, &part);

		if (err)
			return err;
		err = wb_run_worker_init(&thread->worker, session, opts, part);
		if (err) {
			wb_sink_part_free(part);
			return err;
		}
		threads->ready++;
		thread->ring = ring;
		if (pthread_create(&thread->id, NULL, thread_main, thread))
			return i ? WB_OK : WB_ERR_MEMORY;
		threads->started++;
	}
	return WB_OK;
}

static enum wb_err threads_end(struct threads *threads, struct wb_sink *sink, struct wb_run_stats *stats)
{
	enum wb_err err = WB_OK;

	for (size_t i = 0; i < threads->started; i++)
		pthread_join(threads->items[i].id, NULL);
	for (size_t i = 0; i < threads->ready; i++) {
		struct wb_run_worker *worker = &threads->items[i].worker;
		struct wb_sink_part *part = worker->part;

		wb_run_stats_add(stats, &worker->stats);
		if (!err)
			err = wb_sink_merge(sink, part);
		wb_run_worker_deinit(worker);
		wb_sink_part_free(part);
	}
	wb_mem_free(threads->items);
	return err;
}

enum wb_err wb_run_threads(struct wb_session *session, struct wb_capture *capture, struct wb_sink *sink, const struct wb_run_opts *opts,
                           struct wb_run_events **events, struct wb_run_stats *stats)
{
	struct wb_sink_part *main_part = wb_sink_main_part(sink);
	struct threads threads = { 0 };
	struct ring ring;
	enum wb_err err, end_err;

	err = ring_init(&ring, opts->threads);
	if (err)
		return err;
	threads.items = wb_mem_zalloc(opts->threads, sizeof(*threads.items));
	err = threads.items ? threads_start(&threads, session, sink, opts, &ring) : WB_ERR_MEMORY;
	/* What wb_sink_begin wrote comes first. */
	if (!err)
		err = wb_sink_put(sink, &main_part->out);
	if (!err)
		err = drive(&ring, capture, sink, opts, events);
	else
		end_ring(&ring, true);
	end_err = threads_end(&threads, sink, stats);
	ring_deinit(&ring);
	return err ? err : end_err;
}
