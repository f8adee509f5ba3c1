/* SPDX-License-Identifier: MIT */
/*
 * Events: what a perf_event_attr says about the layout of its records, worked out once, and which event a record belongs to (the ABI's
 * comment on struct perf_event_attr, perf_event_sample and sample_id).
 */
#include "formats/capture_perf.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum {
	ATTR_SIZE_MIN = 64,           /* PERF_ATTR_SIZE_VER0; also what a size of 0 means */
	EVENTS_MAX = 65536,           /* perf stat -a of all tracepoints has some thousand */
	IDS_MAX = 1 << 20,            /* one per event and processor (or thread) */
	NAME_MAX = 1024,              /* bytes of an event's name that are kept */
	PROBES_MAX = 256,             /* of the table of ids: the kernel counts them up, hostile ones may all belong in one place */
};

void wb_perf_events_deinit(struct wb_perf_events *events)
{
	for (size_t i = 0; i < events->count; i++)
		wb_mem_free(events->items[i].name);
	wb_mem_free(events->items);
	wb_mem_free(events->ids);
}

/* ---- Layout ------------------------------------------------------------------------------------------------------- */

/* The fields of a SAMPLE before the first one of varying size, in order. All take 8 bytes. */
static void lay_out_sample(struct wb_perf_event *event)
{
	const struct { uint64_t bit; uint16_t *at; } fields[] = {
		{ WB_PERF_S_IDENTIFIER, &event->at_id }, { WB_PERF_S_IP, &event->at_ip }, { WB_PERF_S_TID, &event->at_tid },
		{ WB_PERF_S_TIME, &event->at_time }, { WB_PERF_S_ADDR, NULL }, { WB_PERF_S_ID, &event->at_id }, { WB_PERF_S_STREAM_ID, NULL },
		{ WB_PERF_S_CPU, &event->at_cpu }, { WB_PERF_S_PERIOD, &event->at_period },
	};
	uint16_t at = WB_PERF_HEADER_SIZE;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!(event->sample_type & fields[i].bit))
			continue;
		/* IDENTIFIER and ID are the same number: the first place serves. */
		if (fields[i].at && !*fields[i].at)
			*fields[i].at = at;
		at = (uint16_t)(at + 8);
	}
	event->at_rest = at;
}

/* The fields that end every other record, the last one first. All take 8 bytes. */
static void lay_out_trailer(struct wb_perf_event *event)
{
	const struct { uint64_t bit; uint16_t *back; } fields[] = {
		{ WB_PERF_S_IDENTIFIER, &event->back_id }, { WB_PERF_S_CPU, NULL }, { WB_PERF_S_STREAM_ID, NULL }, { WB_PERF_S_ID, &event->back_id },
		{ WB_PERF_S_TIME, &event->back_time }, { WB_PERF_S_TID, NULL },
	};
	uint16_t back = 0;

	for (size_t i = 0; event->sample_id_all && i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!(event->sample_type & fields[i].bit))
			continue;
		back = (uint16_t)(back + 8);
		if (fields[i].back && !*fields[i].back)
			*fields[i].back = back;
	}
	event->trailer = back;
}

/* The bit field after read_format: a big-endian machine fills each byte from its top. */
static bool attr_flag(const uint8_t *flags, unsigned bit, bool big_endian)
{
	return flags[bit / 8] >> (big_endian ? 7 - bit % 8 : bit % 8) & 1;
}

/* ---- Names -------------------------------------------------------------------------------------------------------- */

/* The names that perf gives when it records no better one. */
static void derive_name(const struct wb_perf_event *event, char *buffer, size_t size)
{
	static const char *const hardware[] = { "cycles", "instructions", "cache-references", "cache-misses", "branches", "branch-misses",
						"bus-cycles", "stalled-cycles-frontend", "stalled-cycles-backend", "ref-cycles" };
	static const char *const software[] = { "cpu-clock", "task-clock", "page-faults", "context-switches", "cpu-migrations", "minor-faults",
						"major-faults", "alignment-faults", "emulation-faults", "dummy", "bpf-output", "cgroup-switches" };
	enum { TYPE_HARDWARE = 0, TYPE_SOFTWARE = 1, TYPE_TRACEPOINT = 2, TYPE_CACHE = 3, TYPE_RAW = 4, TYPE_BREAKPOINT = 5 };

	/* Hybrid machines say in the upper half which kind of processor is meant. */
	if (event->attr_type == TYPE_HARDWARE && (uint32_t)event->config < sizeof(hardware) / sizeof(hardware[0]))
		snprintf(buffer, size, "%s", hardware[(uint32_t)event->config]);
	else if (event->attr_type == TYPE_SOFTWARE && event->config < sizeof(software) / sizeof(software[0]))
		snprintf(buffer, size, "%s", software[event->config]);
	else if (event->attr_type == TYPE_TRACEPOINT)
		snprintf(buffer, size, "tracepoint-%llu", (unsigned long long)event->config);
	else if (event->attr_type == TYPE_BREAKPOINT)
		snprintf(buffer, size, "breakpoint");
	else if (event->attr_type == TYPE_RAW)
		snprintf(buffer, size, "raw 0x%llx", (unsigned long long)event->config);
	else
		snprintf(buffer, size, "type-%u 0x%llx", event->attr_type, (unsigned long long)event->config);
}

enum wb_err wb_perf_events_set_name(struct wb_perf_events *events, const struct wb_capture_input *input, uint32_t index, const char *name,
				    size_t size)
{
	struct wb_perf_event *event = &events->items[index];
	const char *end = memchr(name, 0, size);
	char *copy;

	size = end ? (size_t)(end - name) : size;
	if (!size)
		return WB_OK;
	if (size > NAME_MAX)
		size = NAME_MAX;
	copy = wb_mem_zalloc(1, size + 1);
	if (!copy)
		return WB_ERR_MEMORY;
	memcpy(copy, name, size);
	wb_mem_free(event->name);
	event->name = copy;
	event->named = true;
	event->wanted = wb_capture_wants_event(input, copy);
	return WB_OK;
}

/* ---- Adding ------------------------------------------------------------------------------------------------------- */

static void event_decode(struct wb_perf_event *event, struct wb_bytes *attr, bool big_endian)
{
	enum { FLAG_FREQ = 10, FLAG_SAMPLE_ID_ALL = 18, FLAG_EXCLUDE_CALLCHAIN_KERNEL = 21 };
	const uint8_t *flags;

	event->attr_type = wb_bytes_u32(attr);
	wb_bytes_u32(attr); /* size */
	event->config = wb_bytes_u64(attr);
	event->period = wb_bytes_u64(attr);
	event->sample_type = wb_bytes_u64(attr);
	event->read_format = wb_bytes_u64(attr);
	flags = wb_bytes_take(attr, 8);
	if (flags) {
		event->period_is_freq = attr_flag(flags, FLAG_FREQ, big_endian);
		event->sample_id_all = attr_flag(flags, FLAG_SAMPLE_ID_ALL, big_endian);
		event->no_kernel_chain = attr_flag(flags, FLAG_EXCLUDE_CALLCHAIN_KERNEL, big_endian);
	}
	/* wakeup_events, bp_type, config1, config2; older attrs end before what follows, which is 0 then. */
	wb_bytes_skip(attr, 24);
	event->branch_type = wb_bytes_u64(attr);
	event->regs_user = wb_bytes_u64(attr);
	event->stack_user = wb_bytes_u32(attr);
	event->num_regs = (uint8_t)__builtin_popcountll(event->regs_user);
}

enum wb_err wb_perf_events_add(struct wb_perf_events *events, const struct wb_capture_input *input, const uint8_t *attr, size_t size,
			       uint32_t *ret_index)
{
	struct wb_perf_event event = { 0 };
	struct wb_bytes bytes;
	uint32_t said;
	char name[64];

	if (size < ATTR_SIZE_MIN)
		return WB_ERR_DATA;
	said = wb_load32(attr + 4, events->big_endian);
	if (!said)
		said = ATTR_SIZE_MIN;
	if (said < ATTR_SIZE_MIN || events->count >= EVENTS_MAX)
		return said < ATTR_SIZE_MIN ? WB_ERR_DATA : WB_ERR_LIMIT;
	bytes = wb_bytes_of(attr, said < size ? said : size, events->big_endian);
	event_decode(&event, &bytes, events->big_endian);
	lay_out_sample(&event);
	lay_out_trailer(&event);
	derive_name(&event, name, sizeof(name));
	event.name = wb_mem_strdup(name);
	event.wanted = wb_capture_wants_event(input, name);
	if (!event.name || !wb_mem_grow((void **)&events->items, &events->capacity, events->count, 1, sizeof(events->items[0]))) {
		wb_mem_free(event.name);
		return WB_ERR_MEMORY;
	}
	*ret_index = (uint32_t)events->count;
	events->items[events->count++] = event;
	return WB_OK;
}

/* ---- Ids ---------------------------------------------------------------------------------------------------------- */

/* Where the id is, or may be put; NULL if that is too far from where it belongs. */
static struct wb_perf_id *id_slot(struct wb_perf_id *ids, size_t capacity, uint64_t id)
{
	size_t home = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32);

	for (size_t i = 0; i < PROBES_MAX; i++) {
		struct wb_perf_id *slot = &ids[(home + i) & (capacity - 1)];

		if (!slot->used || slot->id == id)
			return slot;
	}
	return NULL;
}

static enum wb_err ids_grow(struct wb_perf_events *events)
{
	size_t capacity = events->ids_capacity ? events->ids_capacity * 2 : 64;
	struct wb_perf_id *ids = wb_mem_zalloc(capacity, sizeof(*ids));

	if (!ids)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < events->ids_capacity; i++) {
		struct wb_perf_id *slot = events->ids[i].used ? id_slot(ids, capacity, events->ids[i].id) : NULL;

		if (slot)
			*slot = events->ids[i];
	}
	wb_mem_free(events->ids);
	events->ids = ids;
	events->ids_capacity = capacity;
	return WB_OK;
}

enum wb_err wb_perf_events_add_id(struct wb_perf_events *events, uint64_t id, uint32_t event)
{
	struct wb_perf_id *slot;
	enum wb_err err;

	/* Also of those seen again: all events may point to one list. */
	if (events->ids_seen++ >= IDS_MAX)
		return WB_ERR_LIMIT;
	if (events->num_ids * 2 >= events->ids_capacity) {
		err = ids_grow(events);
		if (err != WB_OK)
			return err;
	}
	slot = id_slot(events->ids, events->ids_capacity, id);
	if (!slot)
		return WB_ERR_LIMIT;
	if (slot->used)
		return WB_OK;
	*slot = (struct wb_perf_id){ id, event, 1 };
	events->num_ids++;
	events->has_last = false;
	return WB_OK;
}

enum wb_err wb_perf_events_find(struct wb_perf_events *events, uint64_t id, uint32_t *ret_index)
{
	const struct wb_perf_id *slot;

	if (events->has_last && events->last_id == id) {
		*ret_index = events->last_event;
		return WB_OK;
	}
	slot = events->ids_capacity ? id_slot(events->ids, events->ids_capacity, id) : NULL;
	if (!slot || !slot->used)
		return WB_NONE;
	events->last_id = id;
	events->last_event = slot->event;
	events->has_last = true;
	*ret_index = slot->event;
	return WB_OK;
}

enum wb_err wb_perf_events_of(struct wb_perf_events *events, const struct wb_perf_record *record, uint32_t *ret_index)
{
	/* Where the id is, is the same for all events of a recording that mixes layouts: perf puts IDENTIFIER in then. */
	const struct wb_perf_event *first = events->items;
	size_t at;
	uint64_t id;

	if (!events->count)
		return WB_NONE;
	*ret_index = 0;
	if (events->count == 1)
		return WB_OK;
	if (record->type == WB_PERF_SAMPLE)
		at = first->at_id;
	else
		at = first->back_id && first->back_id <= record->size ? (size_t)record->size - first->back_id : 0;
	if (at < WB_PERF_HEADER_SIZE || at + 8 > record->size)
		return WB_OK;
	id = wb_load64(record->bytes + at, events->big_endian);
	/* 0: made up by perf, laid out like the first event's. */
	return id ? wb_perf_events_find(events, id, ret_index) : WB_OK;
}

uint64_t wb_perf_event_time(const struct wb_perf_event *event, const struct wb_perf_record *record, bool big_endian)
{
	if (record->type == WB_PERF_SAMPLE) {
		if (!event->at_time || event->at_time + 8 > record->size)
			return UINT64_MAX;
		return wb_load64(record->bytes + event->at_time, big_endian);
	}
	if (!event->back_time || event->trailer + WB_PERF_HEADER_SIZE > record->size)
		return UINT64_MAX;
	return wb_load64(record->bytes + record->size - event->back_time, big_endian);
}
