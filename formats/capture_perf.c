/* SPDX-License-Identifier: MIT */
/*
 * perf.data captures: takes records from the feed, lets them wait in the queue for their turn, and turns samples into items of a batch. What
 * a recording holds beyond samples, tasks and mappings is skipped. Damage ends the reading, not what was read: it comes out first.
 */
#include "formats/capture_perf.h"

#include "base/mem.h"
#include "model/session.h"

#include <string.h>

enum {
	CHECK_RECORDS = 1024,         /* records between two looks at the session's check */
	ENTRY_COST = 2 * sizeof(struct wb_perf_entry), /* bytes of memory per waiting record, with the sort's scratch */
};

enum stage { STAGE_READ, STAGE_DRAIN, STAGE_LATE, STAGE_END };

struct capture_perf {
	struct wb_capture_input *input; /* of a folder: folder.input */
	struct wb_perf_folder folder;
	struct wb_perf_header header;
	struct wb_perf_events events;
	struct wb_perf_windows windows;
	struct wb_perf_feed feed;
	struct wb_perf_queue queue;
	struct wb_perf_processes processes;
	struct wb_perf_deferred deferred;
	enum stage stage;
	enum wb_err end;              /* what the end is, once reading stopped */
	bool damaged;                 /* something was malformed, reading went on */
	bool guessed;                 /* the architecture was looked for in the events */
	uint64_t batch;               /* number of the batch being filled */
	uint64_t samples, records, skipped, lost;
	struct wb_capture_event *event_infos; /* for wb_capture_info */
	size_t event_infos_capacity;
	char hostname[65], os_release[65]; /* of this machine */
};

/* ---- Opening ------------------------------------------------------------------------------------------------------ */

static void perf_free(void *state)
{
	struct capture_perf *perf = state;

	wb_perf_deferred_deinit(&perf->deferred);
	wb_perf_feed_deinit(&perf->feed);
	wb_perf_queue_deinit(&perf->queue, &perf->windows);
	wb_perf_processes_deinit(&perf->processes);
	wb_perf_events_deinit(&perf->events);
	wb_perf_header_deinit(&perf->header);
	wb_perf_windows_deinit(&perf->windows);
	wb_perf_folder_deinit(&perf->folder);
	wb_mem_free(perf->event_infos);
	wb_mem_free(perf);
}

/* Where the records of a file end: where the header says, or the file before that. */
static uint64_t data_stop(const struct capture_perf *perf)
{
	uint64_t file_size = wb_file_size(perf->input->file), size = perf->header.data_size;

	if (perf->header.pipe || !size || size > file_size - perf->header.data_offset)
		return file_size;
	return perf->header.data_offset + size;
}

static enum wb_err start_feed(struct capture_perf *perf)
{
	wb_perf_feed_init(&perf->feed, perf->input, &perf->windows, perf->header.big_endian);
	if (!perf->input->file)
		return wb_perf_feed_skip(&perf->feed, perf->header.data_offset);
	wb_perf_feed_file(&perf->feed, perf->input->file, perf->header.data_offset, data_stop(perf));
	return WB_OK;
}

static enum wb_err perf_open(struct wb_capture_input *input, void **ret_state)
{
	struct capture_perf *perf = wb_mem_zalloc(1, sizeof(*perf));
	bool is_folder = !input->file && !input->read;
	enum wb_err err = WB_OK;

	if (!perf)
		return WB_ERR_MEMORY;
	perf->input = is_folder ? &perf->folder.input : input;
	wb_perf_windows_init(&perf->windows, input->opts.max_memory);
	wb_perf_processes_init(&perf->processes, perf->input, &perf->header);
	wb_perf_deferred_init(&perf->deferred, input->opts.max_memory);
	wb_file_host(perf->hostname, sizeof(perf->hostname), perf->os_release, sizeof(perf->os_release));
	if (is_folder)
		err = wb_perf_folder_open(&perf->folder, input);
	if (err == WB_OK)
		err = wb_perf_header_read(&perf->header, perf->input, &perf->events);
	if (err == WB_OK)
		err = start_feed(perf);
	if (err != WB_OK) {
		perf_free(perf);
		return err;
	}
	*ret_state = perf;
	return WB_OK;
}

/* ---- Reports ------------------------------------------------------------------------------------------------------ */

static enum wb_err report(struct capture_perf *perf, enum wb_err err, enum wb_diag_code code, uint64_t position, const char *text)
{
	return wb_diag_report(wb_session_diags(perf->input->session), err, code, perf->input->name, "", position, "%s", text);
}

/* One record is malformed; the next one is found by this one's size. */
static enum wb_err skip_malformed(struct capture_perf *perf, uint64_t position, const char *text)
{
	report(perf, WB_ERR_DATA, WB_DIAG_CAPTURE_MALFORMED, position, text);
	perf->damaged = true;
	perf->skipped++;
	return WB_OK;
}

/* ---- Samples ------------------------------------------------------------------------------------------------------ */

static void guess_arch(struct capture_perf *perf)
{
	perf->guessed = true;
	for (size_t i = 0; i < perf->events.count && perf->header.arch == WB_ARCH_UNKNOWN; i++)
		perf->header.arch = wb_perf_guess_arch(perf->events.items[i].regs_user);
}

static enum wb_err give_sample(struct capture_perf *perf, struct wb_perf_event *event, struct wb_space *space, const char *comm,
			       struct wb_sample *sample, struct wb_capture_batch *batch)
{
	sample->event = (uint32_t)(event - perf->events.items);
	sample->comm = comm;
	event->samples++;
	perf->samples++;
	return wb_capture_batch_add(batch, space, sample);
}

/* A sample whose user callchain is still to come. */
static enum wb_err hold_sample(struct capture_perf *perf, const struct wb_perf_record *record, uint32_t event, uint64_t cookie,
			       const struct wb_perf_thread *thread, const struct wb_perf_version *version, enum wb_arch arch)
{
	struct wb_perf_waiting waiting = { .cookie = cookie, .event = event, .tid = thread->tid, .comm = thread->comm, .space = version->space,
					   .arch = arch };

	return wb_perf_deferred_add(&perf->deferred, record, &waiting);
}

static enum wb_err deliver_sample(struct capture_perf *perf, const struct wb_perf_record *record, struct wb_capture_batch *batch)
{
	struct wb_perf_version *version;
	struct wb_perf_thread *thread;
	struct wb_perf_event *event;
	struct wb_perf_parts parts;
	struct wb_sample *sample;
	enum wb_arch arch;
	uint32_t index;
	uint64_t cookie;
	enum wb_err err;

	if (wb_perf_events_of(&perf->events, record, &index) != WB_OK)
		return WB_ERR_DATA;
	event = &perf->events.items[index];
	err = wb_perf_sample_parse(event, record, perf->header.big_endian, &parts);
	if (err != WB_OK)
		return err;
	if (!wb_capture_wants(perf->input, parts.pid, parts.tid))
		return WB_OK;
	if (perf->header.arch == WB_ARCH_UNKNOWN && !perf->guessed)
		guess_arch(perf);
	err = wb_perf_processes_thread(&perf->processes, parts.pid, parts.tid, &thread);
	if (err == WB_OK)
		err = wb_perf_processes_space(&perf->processes, thread->process, parts.abi, &version);
	if (err != WB_OK)
		return err;
	arch = wb_perf_arch(perf->header.arch, thread->process->compat);
	if (wb_perf_sample_deferred(&parts, perf->header.big_endian, &cookie))
		return hold_sample(perf, record, index, cookie, thread, version, arch);
	err = wb_perf_sample_build(event, record, &parts, NULL, wb_arch_info(arch), perf->header.big_endian, batch, &sample);
	if (err == WB_OK && version->batch != perf->batch)
		err = wb_capture_batch_pin_space(batch, version->space);
	if (err != WB_OK)
		return err;
	version->batch = perf->batch;
	err = sample->num_regions ? wb_perf_window_pin(record->window, batch, perf->batch) : WB_OK;
	return err == WB_OK ? give_sample(perf, event, version->space, thread->comm, sample, batch) : err;
}

/* A sample that is complete now, or never will be. Takes waiting. */
static enum wb_err deliver_late(struct capture_perf *perf, struct wb_perf_waiting *waiting, struct wb_capture_batch *batch)
{
	struct wb_perf_record record = { .bytes = waiting->record, .type = WB_PERF_SAMPLE, .misc = waiting->misc, .size = waiting->size };
	struct wb_perf_late_chain late = { waiting->ips, waiting->num_ips, !waiting->ips };
	struct wb_perf_event *event = &perf->events.items[waiting->event];
	struct wb_perf_parts parts;
	struct wb_sample *sample;
	enum wb_err err = wb_perf_sample_parse(event, &record, perf->header.big_endian, &parts);

	if (err == WB_OK)
		err = wb_perf_sample_build(event, &record, &parts, &late, wb_arch_info(waiting->arch), perf->header.big_endian, batch, &sample);
	if (err == WB_OK)
		err = wb_capture_batch_pin_space(batch, waiting->space);
	if (err == WB_OK) {
		uint8_t *bytes = waiting->record;

		waiting->record = NULL;
		err = wb_capture_batch_pin(batch, wb_mem_free, bytes);
	}
	if (err == WB_OK)
		err = give_sample(perf, event, waiting->space, waiting->comm, sample, batch);
	wb_perf_waiting_free(waiting);
	return err;
}

/* ---- Records in time order ---------------------------------------------------------------------------------------- */

/* CALLCHAIN_DEFERRED: cookie, count, addresses; the thread is in the trailer. */
static enum wb_err deliver_chain(struct capture_perf *perf, const struct wb_perf_event *event, const struct wb_perf_record *record,
				 struct wb_bytes body)
{
	uint64_t cookie = wb_bytes_u64(&body), count = wb_bytes_u64(&body);

	/* TID is the trailer's first field. */
	if (wb_bytes_failed(&body) || count > wb_bytes_left(&body) / 8)
		return WB_ERR_DATA;
	if (!(event->sample_type & WB_PERF_S_TID) || !event->trailer)
		return WB_OK;
	return wb_perf_deferred_complete(&perf->deferred, wb_load32(record->bytes + record->size - event->trailer + 4, perf->header.big_endian),
					 cookie, body.at, count);
}

/* Acts on a record whose turn it is. */
static enum wb_err deliver(struct capture_perf *perf, const struct wb_perf_record *record, struct wb_capture_batch *batch)
{
	struct wb_perf_event none = { 0 }, *event = &none;
	struct wb_bytes body;
	uint32_t index = 0;
	enum wb_err err;

	if (record->type == WB_PERF_SAMPLE) {
		err = deliver_sample(perf, record, batch);
		return err == WB_ERR_DATA ? skip_malformed(perf, record->position, "a sample's fields do not fit its record") : err;
	}
	if (perf->events.count) {
		/* Made up ones are laid out like the first event's. */
		(void)wb_perf_events_of(&perf->events, record, &index);
		event = &perf->events.items[index];
	}
	if (event->trailer + WB_PERF_HEADER_SIZE > record->size)
		return skip_malformed(perf, record->position, "a record is smaller than its trailer");
	body = wb_bytes_of(record->bytes + WB_PERF_HEADER_SIZE, (size_t)record->size - WB_PERF_HEADER_SIZE - event->trailer, perf->header.big_endian);
	if (record->type == WB_PERF_CALLCHAIN_DEFERRED)
		err = deliver_chain(perf, event, record, body);
	else
		err = wb_perf_processes_record(&perf->processes, record->type, record->misc, body);
	return err == WB_ERR_DATA ? skip_malformed(perf, record->position, "the fields of a record do not fit it") : err;
}

static enum wb_err deliver_entry(struct capture_perf *perf, struct wb_perf_entry entry, struct wb_capture_batch *batch)
{
	struct wb_perf_window *window = entry.window;
	struct wb_perf_record record = { .window = window, .offset = entry.offset };
	enum wb_err err = wb_perf_window_use(&perf->windows, window);

	if (err == WB_OK) {
		record.bytes = window->buffer->bytes + entry.offset;
		record.type = wb_load32(record.bytes, perf->header.big_endian);
		record.misc = wb_load16(record.bytes + 4, perf->header.big_endian);
		record.size = wb_load16(record.bytes + 6, perf->header.big_endian);
		record.position = window->position == UINT64_MAX ? UINT64_MAX : window->position + entry.offset;
		err = deliver(perf, &record, batch);
	}
	wb_perf_window_release(&perf->windows, window);
	return err;
}

/* ---- Records in the order of the file ------------------------------------------------------------------------------ */

static enum wb_err header_attr(struct capture_perf *perf, struct wb_bytes body)
{
	struct wb_bytes attr = body;
	uint32_t size, event;
	enum wb_err err;

	wb_bytes_u32(&attr);
	size = wb_bytes_u32(&attr);
	err = wb_perf_events_add(&perf->events, perf->input, body.at, wb_bytes_left(&body), &event);
	wb_bytes_skip(&body, size ? size : 64);
	while (err == WB_OK && wb_bytes_left(&body) >= 8)
		err = wb_perf_events_add_id(&perf->events, wb_bytes_u64(&body), event);
	if (err == WB_ERR_LIMIT)
		report(perf, err, WB_DIAG_CAPTURE_MALFORMED, wb_perf_feed_position(&perf->feed),
		       "more events, or ids of events, than any recording has");
	return err == WB_OK && wb_bytes_failed(&body) ? WB_ERR_DATA : err;
}

/* EVENT_UPDATE: what u64, id u64, then for a name its characters. */
static enum wb_err event_update(struct capture_perf *perf, struct wb_bytes body)
{
	enum { UPDATE_NAME = 2 };
	uint64_t what = wb_bytes_u64(&body), id = wb_bytes_u64(&body);
	uint32_t index;

	if (wb_bytes_failed(&body))
		return WB_ERR_DATA;
	if (what != UPDATE_NAME || wb_perf_events_find(&perf->events, id, &index) != WB_OK)
		return WB_OK;
	return wb_perf_events_set_name(&perf->events, perf->input, index, (const char *)body.at, wb_bytes_left(&body));
}

static enum wb_err header_feature(struct capture_perf *perf, struct wb_bytes body)
{
	uint64_t feature = wb_bytes_u64(&body);

	if (wb_bytes_failed(&body))
		return WB_ERR_DATA;
	return wb_perf_header_feature(&perf->header, perf->input, &perf->events, feature, body);
}

/* Records of perf itself. Files have attrs and features outside their records. */
static enum wb_err take_user_record(struct capture_perf *perf, const struct wb_perf_record *record, struct wb_bytes body)
{
	switch (record->type) {
	case WB_PERF_HEADER_ATTR: return perf->header.pipe ? header_attr(perf, body) : WB_OK;
	case WB_PERF_EVENT_UPDATE: return event_update(perf, body);
	case WB_PERF_FEATURE: return perf->header.pipe ? header_feature(perf, body) : WB_OK;
	case WB_PERF_BUILD_ID: return wb_perf_header_build_id(&perf->header, record->misc, body);
	/* Rounds of one file of several say nothing about the others. */
	case WB_PERF_FINISHED_ROUND: return perf->folder.count ? WB_OK : wb_perf_queue_round(&perf->queue);
	/* Their data follows and is not in the record's size. */
	case WB_PERF_TRACING_DATA: return wb_perf_feed_skip(&perf->feed, wb_bytes_u32(&body));
	case WB_PERF_AUXTRACE: return wb_perf_feed_skip(&perf->feed, wb_bytes_u64(&body));
	default:
		/* 87 and up: newer than this code, but for simpleperf's. */
		perf->skipped += record->type > 86 && record->type < WB_PERF_SIMPLEPERF;
		return WB_OK;
	}
}

static bool is_ordered(uint32_t type)
{
	switch (type) {
	case WB_PERF_MMAP:
	case WB_PERF_COMM:
	case WB_PERF_EXIT:
	case WB_PERF_FORK:
	case WB_PERF_SAMPLE:
	case WB_PERF_MMAP2:
	case WB_PERF_KSYMBOL:
	case WB_PERF_CALLCHAIN_DEFERRED: return true;
	default: return false;
	}
}

/* Counts what the kernel dropped: LOST {id, lost}, LOST_SAMPLES {lost}. */
static void count_lost(struct capture_perf *perf, const struct wb_perf_record *record, struct wb_bytes body)
{
	if (record->type == WB_PERF_LOST)
		wb_bytes_u64(&body);
	perf->lost += wb_bytes_u64(&body);
}

/* Too much waits: the earlier half goes on, perhaps before something that is still to come. */
static enum wb_err keep_memory(struct capture_perf *perf)
{
	uint64_t limit = perf->input->opts.max_memory / 2;

	if (perf->windows.kept <= limit && perf->queue.count <= limit / ENTRY_COST)
		return WB_OK;
	report(perf, WB_OK, WB_DIAG_MEMORY_BUDGET, UINT64_MAX, "too many records wait for their turn: some samples come out of time order");
	return wb_perf_queue_half(&perf->queue);
}

static enum wb_err take_kernel_record(struct capture_perf *perf, const struct wb_perf_record *record, struct wb_bytes body,
				      struct wb_capture_batch *batch)
{
	uint32_t index;
	uint64_t time = UINT64_MAX;
	enum wb_err err;

	if (!is_ordered(record->type)) {
		if (record->type == WB_PERF_LOST || record->type == WB_PERF_LOST_SAMPLES)
			count_lost(perf, record, body);
		perf->skipped += record->type > WB_PERF_CALLCHAIN_DEFERRED;
		return WB_OK;
	}
	if (wb_perf_events_of(&perf->events, record, &index) == WB_OK) {
		const struct wb_perf_event *event = &perf->events.items[index];

		if (record->type == WB_PERF_SAMPLE && !event->wanted)
			return WB_OK;
		time = wb_perf_event_time(event, record, perf->header.big_endian);
	} else if (record->type == WB_PERF_SAMPLE) {
		report(perf, WB_OK, WB_DIAG_CAPTURE_UNSUPPORTED, record->position, "a sample is of an event that the recording does not describe");
		perf->skipped++;
		return WB_OK;
	}
	/* Without a time there is nothing to wait for (perf's ordered_events__queue). */
	if (time == 0 || time == UINT64_MAX)
		return deliver(perf, record, batch);
	record->window->users++;
	err = wb_perf_queue_add(&perf->queue, time, record->window, record->offset);
	if (err != WB_OK) {
		wb_perf_window_release(&perf->windows, record->window);
		return err;
	}
	return keep_memory(perf);
}

static uint64_t bytes_done(const struct capture_perf *perf)
{
	return perf->folder.done + wb_perf_feed_position(&perf->feed);
}

static uint64_t bytes_total(const struct capture_perf *perf)
{
	if (perf->folder.count)
		return perf->folder.size;
	return perf->input->file ? wb_file_size(perf->input->file) : 0;
}

/* Reads one record: keeps it, or acts on it. WB_NONE: the end. */
static enum wb_err take_record(struct capture_perf *perf, struct wb_capture_batch *batch)
{
	struct wb_perf_record record;
	struct wb_bytes body;
	enum wb_err err = wb_perf_feed_next(&perf->feed, &record);

	if (err != WB_OK)
		return err;
	if (perf->records++ % CHECK_RECORDS == 0) {
		err = wb_session_check(perf->input->session, bytes_done(perf), bytes_total(perf));
		if (err != WB_OK)
			return err;
	}
	body = wb_bytes_of(record.bytes, record.size, perf->header.big_endian);
	wb_bytes_skip(&body, WB_PERF_HEADER_SIZE);
	if (record.type < WB_PERF_USER_TYPES)
		return take_kernel_record(perf, &record, body, batch);
	err = take_user_record(perf, &record, body);
	/* The data after a record that cannot be skipped leaves no place to go on from. */
	if (err == WB_ERR_DATA && record.type != WB_PERF_TRACING_DATA && record.type != WB_PERF_AUXTRACE)
		err = skip_malformed(perf, record.position, "the fields of a record do not fit it");
	return err;
}

/* ---- Filling ------------------------------------------------------------------------------------------------------ */

/* What the end of the (first) file or stream means. */
static enum wb_err end_of_input(struct capture_perf *perf)
{
	if (perf->input->file && !perf->folder.next && !perf->header.pipe) {
		uint64_t stop = perf->feed.stop;

		if (!perf->header.data_size)
			return report(perf, WB_ERR_DATA, WB_DIAG_CAPTURE_TRUNCATED, stop, "the recording was not finished: its header gives no data size");
		if (stop < perf->header.data_offset + perf->header.data_size)
			return report(perf, WB_ERR_DATA, WB_DIAG_CAPTURE_TRUNCATED, stop, "the file ends before the recording does");
	}
	/* A pipe has no end of its own: one that is cut between two records looks whole, but not before its first. */
	if (!perf->events.count)
		return report(perf, WB_ERR_DATA, WB_DIAG_CAPTURE_TRUNCATED, wb_perf_feed_position(&perf->feed),
			      "the recording ends before it describes an event");
	return perf->damaged || perf->header.cut ? WB_ERR_DATA : WB_NONE;
}

/* Reading stopped. The next file of a folder is read whatever happened to this one; then what waits comes out. */
static enum wb_err stop_reading(struct capture_perf *perf, enum wb_err err)
{
	if (err == WB_NONE)
		err = end_of_input(perf);
	if (perf->folder.next < perf->folder.count) {
		struct wb_file *file = perf->folder.files[perf->folder.next++];

		perf->damaged = perf->damaged || err != WB_NONE;
		perf->folder.done += wb_perf_feed_position(&perf->feed);
		wb_perf_feed_file(&perf->feed, file, 0, wb_file_size(file));
		return WB_OK;
	}
	perf->end = err;
	perf->stage = STAGE_DRAIN;
	return wb_perf_queue_all(&perf->queue);
}

/* Nothing is ready: goes a step on. WB_OK: look again. */
static enum wb_err step(struct capture_perf *perf, struct wb_capture_batch *batch)
{
	enum wb_err err;

	switch (perf->stage) {
	case STAGE_READ:
		err = take_record(perf, batch);
		if (err == WB_OK || err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
			return err;
		return stop_reading(perf, err);
	case STAGE_DRAIN:
		wb_perf_deferred_finish(&perf->deferred);
		perf->stage = STAGE_LATE;
		return WB_OK;
	case STAGE_LATE:
		perf->stage = STAGE_END;
		return WB_OK;
	case STAGE_END:
		break;
	}
	return perf->end == WB_NONE && perf->damaged ? WB_ERR_DATA : perf->end;
}

static enum wb_err perf_fill(void *state, size_t max, struct wb_capture_batch *batch)
{
	struct capture_perf *perf = state;
	enum wb_err err = WB_OK;

	if (!wb_capture_batch_count(batch))
		perf->batch++;
	while (err == WB_OK && wb_capture_batch_count(batch) < max) { /* every turn takes a record or an entry, or ends */
		struct wb_perf_waiting *late = wb_perf_deferred_next(&perf->deferred);
		const struct wb_perf_entry *entry = late ? NULL : wb_perf_queue_next(&perf->queue);

		if (late)
			err = deliver_late(perf, late, batch);
		else if (entry)
			err = deliver_entry(perf, *entry, batch);
		else
			err = step(perf, batch);
	}
	return err;
}

/* ---- What is known ------------------------------------------------------------------------------------------------ */

static enum wb_err perf_info(void *state, struct wb_capture_info *info)
{
	struct capture_perf *perf = state;
	const struct wb_perf_header *header = &perf->header;
	const struct wb_perf_modules *modules = &perf->processes.modules;

	if (!wb_mem_grow((void **)&perf->event_infos, &perf->event_infos_capacity, 0, perf->events.count, sizeof(perf->event_infos[0])))
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < perf->events.count; i++)
		perf->event_infos[i] = (struct wb_capture_event){ perf->events.items[i].name, perf->events.items[i].samples };
	if (header->arch == WB_ARCH_UNKNOWN && !perf->guessed && !header->pipe)
		guess_arch(perf);
	info->platform = (struct wb_platform){ header->arch, header->big_endian, WB_OS_LINUX };
	info->hostname = header->hostname ? header->hostname : "";
	info->os_release = header->os_release ? header->os_release : "";
	info->command_line = header->command_line ? header->command_line : "";
	info->from_this_host = *info->hostname && !strcmp(info->hostname, perf->hostname) && !strcmp(info->os_release, perf->os_release);
	info->events = perf->event_infos;
	info->num_events = perf->events.count;
	info->modules = modules->items;
	info->num_modules = modules->count;
	info->samples = perf->samples;
	info->records = perf->records;
	info->skipped_records = perf->skipped;
	info->lost_samples = perf->lost;
	info->bytes_done = bytes_done(perf);
	info->bytes_total = bytes_total(perf);
	return WB_OK;
}

const struct wb_capture_format wb_capture_format_perf = {
	.name = "perf.data",
	.probe = wb_perf_header_probe,
	.probe_folder = wb_perf_folder_probe,
	.open = perf_open,
	.fill = perf_fill,
	.info = perf_info,
	.free = perf_free,
};
