/* SPDX-License-Identifier: MIT */
/*
 * Time order. perf drains one buffer per processor in turn, so records come in runs that are each in order. A FINISHED_ROUND says that all
 * buffers were drained: what is not later than everything before the mark before this one cannot be overtaken any more (perf's
 * util/ordered-events.c and session.c). Records of the same time keep the order of the file.
 */
#include "formats/capture_perf.h"

#include "base/mem.h"

#include <string.h>

void wb_perf_queue_deinit(struct wb_perf_queue *queue, struct wb_perf_windows *windows)
{
	for (size_t i = queue->next; i < queue->count; i++)
		wb_perf_window_release(windows, queue->entries[i].window);
	wb_mem_free(queue->entries);
	wb_mem_free(queue->scratch);
}

/* Makes the entries that were delivered go. */
static void compact(struct wb_perf_queue *queue)
{
	if (!queue->next)
		return;
	memmove(queue->entries, queue->entries + queue->next, (queue->count - queue->next) * sizeof(queue->entries[0]));
	queue->count -= queue->next;
	queue->ready -= queue->next;
	queue->next = 0;
}

enum wb_err wb_perf_queue_add(struct wb_perf_queue *queue, uint64_t time, struct wb_perf_window *window, uint32_t offset)
{
	if (queue->next)
		compact(queue);
	if (!wb_mem_grow((void **)&queue->entries, &queue->capacity, queue->count, 1, sizeof(queue->entries[0])))
		return WB_ERR_MEMORY;
	queue->entries[queue->count++] = (struct wb_perf_entry){ time, window, offset };
	if (time > queue->latest)
		queue->latest = time;
	return WB_OK;
}

/* End of the run in order that begins at i. */
static size_t run_end(const struct wb_perf_entry *entries, size_t i, size_t count)
{
	i++;
	while (i < count && entries[i - 1].time <= entries[i].time)
		i++;
	return i;
}

/* Merges [a, b) and [b, c) into out; of equals those of the first run come first. */
static void merge(const struct wb_perf_entry *in, size_t a, size_t b, size_t c, struct wb_perf_entry *out)
{
	size_t i = a, j = b, k = a;

	while (i < b && j < c)
		out[k++] = in[i].time <= in[j].time ? in[i++] : in[j++];
	memcpy(out + k, in + i, (b - i) * sizeof(out[0]));
	k += b - i;
	memcpy(out + k, in + j, (c - j) * sizeof(out[0]));
}

/* A natural merge sort: one pass if all is in order, else one per doubling of the runs, of which there are about as many as processors. */
static enum wb_err sort(struct wb_perf_queue *queue)
{
	size_t count = queue->count, end = count ? run_end(queue->entries, 0, count) : 0;

	while (end < count) {
		struct wb_perf_entry *sorted;
		size_t capacity;

		if (!wb_mem_grow((void **)&queue->scratch, &queue->scratch_capacity, 0, count, sizeof(queue->scratch[0])))
			return WB_ERR_MEMORY;
		for (size_t a = 0; a < count;) {
			size_t b = run_end(queue->entries, a, count);
			size_t c = b < count ? run_end(queue->entries, b, count) : b;

			merge(queue->entries, a, b, c, queue->scratch);
			a = c;
		}
		sorted = queue->scratch;
		capacity = queue->scratch_capacity;
		queue->scratch = queue->entries;
		queue->scratch_capacity = queue->capacity;
		queue->entries = sorted;
		queue->capacity = capacity;
		end = run_end(queue->entries, 0, count);
	}
	return WB_OK;
}

/* Makes the entries up to and including time ready. */
static enum wb_err flush(struct wb_perf_queue *queue, uint64_t time)
{
	size_t low = 0, high;
	enum wb_err err;

	compact(queue);
	err = sort(queue);
	if (err != WB_OK)
		return err;
	high = queue->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (queue->entries[middle].time <= time)
			low = middle + 1;
		else
			high = middle;
	}
	queue->ready = low;
	return WB_OK;
}

enum wb_err wb_perf_queue_round(struct wb_perf_queue *queue)
{
	enum wb_err err = WB_OK;

	/* The first mark tells a time only: nothing is known of what the other buffers still held. */
	if (queue->flush_to)
		err = flush(queue, queue->flush_to);
	queue->flush_to = queue->latest;
	return err;
}

enum wb_err wb_perf_queue_all(struct wb_perf_queue *queue)
{
	return flush(queue, UINT64_MAX);
}

enum wb_err wb_perf_queue_half(struct wb_perf_queue *queue)
{
	enum wb_err err = flush(queue, 0);
	size_t half = (queue->count + 1) / 2;

	if (err == WB_OK && half > queue->ready)
		queue->ready = half;
	return err;
}

const struct wb_perf_entry *wb_perf_queue_next(struct wb_perf_queue *queue)
{
	return queue->next < queue->ready ? &queue->entries[queue->next++] : NULL;
}
