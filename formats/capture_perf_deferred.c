/* SPDX-License-Identifier: MIT */
/*
 * Samples taken in the kernel whose user callchain is recorded later, on the way back to user code (PERF_RECORD_CALLCHAIN_DEFERRED, Linux
 * 6.19): they wait here, with the space of their own time. Rare, so plain lists serve.
 */
#include "formats/capture_perf.h"

#include "base/mem.h"

enum {
	WAITING_MAX = 4096,           /* samples: each task in the kernel has few */
	MEMORY_SHARE = 16,            /* of max_memory: what their records may take */
};

void wb_perf_deferred_init(struct wb_perf_deferred *deferred, uint64_t max_memory)
{
	deferred->waiting = (struct wb_perf_waiting_list){ NULL, &deferred->waiting.first, 0, 0 };
	deferred->ready = (struct wb_perf_waiting_list){ NULL, &deferred->ready.first, 0, 0 };
	deferred->max_bytes = max_memory / MEMORY_SHARE < SIZE_MAX ? (size_t)(max_memory / MEMORY_SHARE) : SIZE_MAX;
}

static void append(struct wb_perf_waiting_list *list, struct wb_perf_waiting *waiting)
{
	waiting->next = NULL;
	*list->end = waiting;
	list->end = &waiting->next;
	list->count++;
	list->bytes += waiting->size;
}

/* Takes out what *at points to. */
static struct wb_perf_waiting *take(struct wb_perf_waiting_list *list, struct wb_perf_waiting **at)
{
	struct wb_perf_waiting *waiting = *at;

	*at = waiting->next;
	if (!waiting->next)
		list->end = at;
	list->count--;
	list->bytes -= waiting->size;
	return waiting;
}

void wb_perf_deferred_deinit(struct wb_perf_deferred *deferred)
{
	while (deferred->waiting.first)
		wb_perf_waiting_free(take(&deferred->waiting, &deferred->waiting.first));
	while (deferred->ready.first)
		wb_perf_waiting_free(take(&deferred->ready, &deferred->ready.first));
}

void wb_perf_waiting_free(struct wb_perf_waiting *waiting)
{
	if (!waiting)
		return;
	wb_space_unref(waiting->space);
	wb_mem_free(waiting->record);
	wb_mem_free(waiting->ips);
	wb_mem_free(waiting);
}

enum wb_err wb_perf_deferred_add(struct wb_perf_deferred *deferred, const struct wb_perf_record *record, const struct wb_perf_waiting *sample)
{
	struct wb_perf_waiting *waiting = wb_mem_dup(sample, sizeof(*sample));

	if (!waiting)
		return WB_ERR_MEMORY;
	waiting->space = wb_space_ref(sample->space);
	waiting->ips = NULL;
	waiting->num_ips = 0;
	waiting->misc = record->misc;
	waiting->size = record->size;
	waiting->record = wb_mem_dup(record->bytes, record->size);
	if (!waiting->record) {
		wb_perf_waiting_free(waiting);
		return WB_ERR_MEMORY;
	}
	append(&deferred->waiting, waiting);
	if (deferred->waiting.count > WAITING_MAX || deferred->waiting.bytes > deferred->max_bytes)
		append(&deferred->ready, take(&deferred->waiting, &deferred->waiting.first));
	return WB_OK;
}

enum wb_err wb_perf_deferred_complete(struct wb_perf_deferred *deferred, uint32_t tid, uint64_t cookie, const uint8_t *ips, uint64_t count)
{
	struct wb_perf_waiting **at = &deferred->waiting.first;

	while (*at) { /* at most WAITING_MAX */
		struct wb_perf_waiting *waiting = *at;

		if (waiting->tid != tid || waiting->cookie != cookie) {
			at = &waiting->next;
			continue;
		}
		waiting->ips = wb_mem_dup(ips, (size_t)count * 8);
		if (!waiting->ips)
			return WB_ERR_MEMORY;
		waiting->num_ips = count;
		append(&deferred->ready, take(&deferred->waiting, at));
	}
	return WB_OK;
}

void wb_perf_deferred_finish(struct wb_perf_deferred *deferred)
{
	while (deferred->waiting.first)
		append(&deferred->ready, take(&deferred->waiting, &deferred->waiting.first));
}

struct wb_perf_waiting *wb_perf_deferred_next(struct wb_perf_deferred *deferred)
{
	return deferred->ready.first ? take(&deferred->ready, &deferred->ready.first) : NULL;
}
