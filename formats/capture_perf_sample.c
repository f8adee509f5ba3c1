/* SPDX-License-Identifier: MIT */
/*
 * Samples: a SAMPLE record taken apart by its event's layout (the ABI's comment on PERF_RECORD_SAMPLE), and made a wb_sample: registers become
 * a context, the copied stack a region, callchain and branches recorded frames. Nothing is copied that can be pointed to.
 */
#include "formats/capture_perf.h"

#include <string.h>

enum {
	BRANCH_SIZE = 24,             /* from, to, flags */
	BRANCH_CALL_STACK = 1 << 11, BRANCH_HW_INDEX = 1 << 17, BRANCH_COUNTERS = 1 << 19, /* PERF_SAMPLE_BRANCH_* */
	READ_ENABLED = 1, READ_RUNNING = 2, READ_ID = 4, READ_GROUP = 8, READ_LOST = 16,   /* PERF_FORMAT_* */
	CHAIN_DEPTH_DEFAULT = 127,    /* frames: kernel.perf_event_max_stack as it comes */
};

/* Marks in callchains: PERF_CONTEXT_*. */
static const uint64_t MARK_FIRST = (uint64_t)-4095, MARK_HYPERVISOR = (uint64_t)-32, MARK_KERNEL = (uint64_t)-128, MARK_USER = (uint64_t)-512,
		      MARK_USER_DEFERRED = (uint64_t)-640, MARK_GUEST = (uint64_t)-2048, MARK_GUEST_KERNEL = (uint64_t)-2176,
		      MARK_GUEST_USER = (uint64_t)-2560;

/* ---- Taking apart ------------------------------------------------------------------------------------------------- */

/* count elements of size bytes; NULL (failed) if they do not fit. */
static const uint8_t *take_array(struct wb_bytes *bytes, uint64_t count, size_t size)
{
	if (count > wb_bytes_left(bytes) / size) {
		wb_bytes_fail(bytes);
		return NULL;
	}
	return wb_bytes_take(bytes, (size_t)count * size);
}

/* READ: a value, or a group of them, of no interest here. */
static void skip_read(struct wb_bytes *bytes, uint64_t format)
{
	uint64_t times = ((format & READ_ENABLED) ? 8 : 0) + ((format & READ_RUNNING) ? 8 : 0);
	size_t each = 8 + ((format & READ_ID) ? 8u : 0) + ((format & READ_LOST) ? 8u : 0);

	if (format & READ_GROUP) {
		uint64_t count = wb_bytes_u64(bytes);

		wb_bytes_skip(bytes, times);
		take_array(bytes, count, each);
		return;
	}
	wb_bytes_skip(bytes, times + each);
}

static void take_branches(struct wb_bytes *bytes, const struct wb_perf_event *event, struct wb_perf_parts *parts)
{
	uint64_t count = wb_bytes_u64(bytes);

	if (event->branch_type & BRANCH_HW_INDEX)
		wb_bytes_u64(bytes);
	parts->branches = take_array(bytes, count, BRANCH_SIZE);
	parts->num_branches = parts->branches ? count : 0;
	if (event->branch_type & BRANCH_COUNTERS)
		take_array(bytes, count, 8);
}

static void take_stack(struct wb_bytes *bytes, struct wb_perf_parts *parts)
{
	uint64_t size = wb_bytes_u64(bytes);

	/* A task without user memory: nothing follows, not even the valid size. */
	if (!size)
		return;
	parts->stack = take_array(bytes, size, 1);
	parts->stack_size = wb_bytes_u64(bytes);
	if (parts->stack_size > size)
		wb_bytes_fail(bytes);
}

static void take_varying(struct wb_bytes *bytes, const struct wb_perf_event *event, struct wb_perf_parts *parts)
{
	uint64_t type = event->sample_type;

	if (type & WB_PERF_S_READ)
		skip_read(bytes, event->read_format);
	if (type & WB_PERF_S_CALLCHAIN) {
		parts->num_chain = wb_bytes_u64(bytes);
		parts->chain = take_array(bytes, parts->num_chain, 8);
	}
	if (type & WB_PERF_S_RAW)
		wb_bytes_skip(bytes, wb_bytes_u32(bytes));
	if (type & WB_PERF_S_BRANCH_STACK)
		take_branches(bytes, event, parts);
	if (type & WB_PERF_S_REGS_USER) {
		parts->abi = wb_bytes_u64(bytes);
		parts->regs = parts->abi ? take_array(bytes, event->num_regs, 8) : NULL;
	}
	if (type & WB_PERF_S_STACK_USER)
		take_stack(bytes, parts);
	/* What follows (weights, REGS_INTR, ...) is of no interest here. */
}

static uint64_t fixed_u64(const struct wb_perf_record *record, uint16_t at, bool big_endian)
{
	return wb_load64(record->bytes + at, big_endian);
}

enum wb_err wb_perf_sample_parse(const struct wb_perf_event *event, const struct wb_perf_record *record, bool big_endian,
				 struct wb_perf_parts *ret_parts)
{
	struct wb_perf_parts parts = { .pid = UINT32_MAX, .tid = UINT32_MAX, .cpu = UINT32_MAX };
	struct wb_bytes bytes = wb_bytes_of(record->bytes, record->size, big_endian);

	/* The fixed fields all lie before at_rest. */
	if (!wb_bytes_skip(&bytes, event->at_rest))
		return WB_ERR_DATA;
	parts.ip = event->at_ip ? fixed_u64(record, event->at_ip, big_endian) : 0;
	parts.time = event->at_time ? fixed_u64(record, event->at_time, big_endian) : 0;
	if (event->at_tid) {
		parts.pid = wb_load32(record->bytes + event->at_tid, big_endian);
		parts.tid = wb_load32(record->bytes + event->at_tid + 4, big_endian);
	}
	if (event->at_cpu)
		parts.cpu = wb_load32(record->bytes + event->at_cpu, big_endian);
	if (event->at_period)
		parts.period = fixed_u64(record, event->at_period, big_endian);
	else
		parts.period = event->period_is_freq || !event->period ? 1 : event->period;
	take_varying(&bytes, event, &parts);
	if (wb_bytes_failed(&bytes))
		return WB_ERR_DATA;
	*ret_parts = parts;
	return WB_OK;
}

bool wb_perf_sample_deferred(const struct wb_perf_parts *parts, bool big_endian, uint64_t *ret_cookie)
{
	const uint8_t *last;

	if (parts->num_chain < 2)
		return false;
	last = parts->chain + (parts->num_chain - 2) * 8;
	if (wb_load64(last, big_endian) != MARK_USER_DEFERRED)
		return false;
	*ret_cookie = wb_load64(last + 8, big_endian);
	return true;
}

/* ---- Recorded frames ---------------------------------------------------------------------------------------------- */

struct frames {
	struct wb_given *items;
	size_t count;
};

static void add_frame(struct frames *frames, uint64_t address, enum wb_given_kind kind, enum wb_pc_kind pc_kind)
{
	frames->items[frames->count++] = (struct wb_given){ .address = address, .kind = (uint8_t)kind, .pc_kind = (uint8_t)pc_kind };
}

/* What follows a mark; 0: of no interest. */
static unsigned kind_of_mark(uint64_t mark)
{
	if (mark == MARK_KERNEL)
		return WB_GIVEN_KERNEL;
	if (mark == MARK_USER)
		return WB_GIVEN_USER;
	if (mark == MARK_HYPERVISOR)
		return WB_GIVEN_HYPERVISOR;
	return mark == MARK_GUEST || mark == MARK_GUEST_KERNEL || mark == MARK_GUEST_USER ? WB_GIVEN_GUEST : 0;
}

static unsigned kind_of_mode(uint16_t misc)
{
	switch (misc & WB_PERF_CPUMODE) {
	case WB_PERF_KERNEL: return WB_GIVEN_KERNEL;
	case WB_PERF_HYPERVISOR: return WB_GIVEN_HYPERVISOR;
	case WB_PERF_GUEST_KERNEL:
	case WB_PERF_GUEST_USER: return WB_GIVEN_GUEST;
	default: return WB_GIVEN_USER;
	}
}

/* Appends the frames of a callchain, user ones or all others. The first after each mark is where that side stood, not a return address. */
static void add_chain(struct frames *frames, const uint8_t *chain, uint64_t count, unsigned kind, bool user, bool big_endian)
{
	bool exact = true;

	for (uint64_t i = 0; i < count; i++) { /* count fits the record */
		uint64_t address = wb_load64(chain + i * 8, big_endian);

		if (address == MARK_USER_DEFERRED)
			return;
		if (address >= MARK_FIRST) {
			kind = kind_of_mark(address);
			exact = true;
			continue;
		}
		if (kind && (kind == WB_GIVEN_USER) == user)
			add_frame(frames, address, (enum wb_given_kind)kind, exact ? WB_PC_EXACT : WB_PC_RETURN);
		exact = false;
	}
}

/* Last-branch records in call-stack mode: the calls that have not returned, innermost first. Each is the call instruction itself. */
static void add_branches(struct frames *frames, const struct wb_perf_parts *parts, uint16_t misc, bool big_endian)
{
	bool in_user = (misc & WB_PERF_CPUMODE) == WB_PERF_USER;

	/* The kernel was entered from the function that the last call went to. */
	add_frame(frames, in_user ? parts->ip : wb_load64(parts->branches + 8, big_endian), WB_GIVEN_BRANCH, WB_PC_EXACT);
	for (uint64_t i = 0; i < parts->num_branches; i++)
		add_frame(frames, wb_load64(parts->branches + i * BRANCH_SIZE, big_endian), WB_GIVEN_BRANCH, WB_PC_EXACT);
}

/* A full set of last-branch records probably lost the outermost ones: hardware has 4, 8, 16 or 32. */
static bool branches_are_full(uint64_t count)
{
	return count >= 8 && !(count & (count - 1));
}

/* Fills frames; returns whether there are user ones, and through *ret_partial whether some are missing. */
static bool add_given(struct frames *frames, const struct wb_perf_event *event, const struct wb_perf_record *record,
		      const struct wb_perf_parts *parts, const struct wb_perf_late_chain *late, bool has_stack, bool big_endian,
		      bool *ret_partial)
{
	unsigned mode = kind_of_mode(record->misc);
	size_t others;

	*ret_partial = false;
	add_chain(frames, parts->chain, parts->num_chain, mode, false, big_endian);
	/* Without a chain of its own, the interrupted place is all that is known outside user code. */
	if (!frames->count && mode != WB_GIVEN_USER && event->at_ip && !(parts->num_chain && event->no_kernel_chain))
		add_frame(frames, parts->ip, (enum wb_given_kind)mode, WB_PC_EXACT);
	/* Registers and stack tell more than a recorded user part, which the kernel made by frame pointers. */
	if (has_stack)
		return false;
	others = frames->count;
	if (event->branch_type & BRANCH_CALL_STACK && parts->num_branches) {
		add_branches(frames, parts, record->misc, big_endian);
		*ret_partial = branches_are_full(parts->num_branches);
		return true;
	}
	add_chain(frames, parts->chain, parts->num_chain, mode, true, big_endian);
	if (late) {
		add_chain(frames, late->ips, late->count, WB_GIVEN_USER, true, big_endian);
		*ret_partial = late->missing;
	}
	return frames->count > others;
}

/* ---- Registers ---------------------------------------------------------------------------------------------------- */

static void plan_regs(struct wb_perf_regs_plan *plan, uint64_t mask, const struct wb_arch_info *arch)
{
	uint8_t at = 0;

	plan->arch = arch;
	plan->count = 0;
	plan->sp = UINT8_MAX;
	for (; mask; mask &= mask - 1, at++) {
		unsigned bit = (unsigned)__builtin_ctzll(mask);
		uint8_t slot = bit < arch->num_perf_regs ? arch->perf_regs[bit] : (uint8_t)WB_SLOT_NONE;

		if (slot == WB_SLOT_NONE)
			continue;
		if (slot == arch->sp)
			plan->sp = plan->count;
		plan->items[plan->count].number = arch->regs[slot].number;
		plan->items[plan->count].at = at;
		plan->count++;
	}
}

static void add_regs(struct wb_reg *regs, const struct wb_perf_regs_plan *plan, const uint8_t *words, bool big_endian)
{
	for (size_t i = 0; i < plan->count; i++)
		regs[i] = (struct wb_reg){ .number = plan->items[i].number, .value = wb_load64(words + plan->items[i].at * 8u, big_endian) };
}

enum wb_arch wb_perf_guess_arch(uint64_t regs_user)
{
	/* What perf asks for by default (PERF_REGS_MASK in its arch folders): x86-64 without DS, ES, FS, GS; aarch64 X0 to PC, and VG (bit 46) where the
	 * machine has scalable vectors. */
	if (regs_user == 0xff0fff)
		return WB_ARCH_X86_64;
	return (regs_user & ~(UINT64_C(1) << 46)) == UINT64_C(0x1ffffffff) ? WB_ARCH_AARCH64 : WB_ARCH_UNKNOWN;
}

/* ---- Building ----------------------------------------------------------------------------------------------------- */

/* All of a sample in one piece of the batch's memory; the arrays follow. */
struct built {
	struct wb_sample sample;
	struct wb_context context;
	struct wb_region region;
};

static void add_context(struct built *built, struct wb_reg *regs, struct wb_perf_event *event, const struct wb_perf_parts *parts,
			const struct wb_arch_info *arch, bool big_endian)
{
	const struct wb_perf_regs_plan *plan = &event->regs_plan;
	uint64_t sp;

	if (plan->arch != arch)
		plan_regs(&event->regs_plan, event->regs_user, arch);
	add_regs(regs, plan, parts->regs, big_endian);
	built->context = (struct wb_context){ .regs = regs, .num_regs = plan->count, .pc_kind = WB_PC_EXACT };
	built->sample.contexts = &built->context;
	built->sample.num_contexts = 1;
	if (!parts->stack_size || plan->sp == UINT8_MAX)
		return;
	/* The copy starts at the stack pointer; one that would wrap around is no stack. */
	sp = regs[plan->sp].value;
	if (sp > UINT64_MAX - parts->stack_size)
		return;
	built->region = (struct wb_region){ sp, parts->stack, (size_t)parts->stack_size };
	built->sample.regions = &built->region;
	built->sample.num_regions = 1;
}

/* What perf records beside callchains where calls leave the return address in a register. */
static bool is_link_alone(uint64_t regs_user, const struct wb_arch_info *arch)
{
	return regs_user && !(regs_user & (regs_user - 1)) && arch->leaf.ra_in_register && (unsigned)__builtin_ctzll(regs_user) < arch->num_perf_regs &&
	       arch->perf_regs[__builtin_ctzll(regs_user)] == arch->leaf.ra_slot;
}

enum wb_err wb_perf_sample_build(struct wb_perf_event *event, const struct wb_perf_record *record, const struct wb_perf_parts *parts,
				 const struct wb_perf_late_chain *late, const struct wb_arch_info *arch, bool big_endian, struct wb_capture_batch *batch,
				 struct wb_sample **ret_sample)
{
	size_t num_regs = arch && parts->regs ? event->num_regs : 0;
	/* Each number is bounded by a record's size. */
	size_t max_given = (size_t)(parts->num_chain + parts->num_branches + (late ? late->count : 0)) + 2;
	struct built *built = wb_capture_batch_alloc(batch, sizeof(*built) + num_regs * sizeof(struct wb_reg) + max_given * sizeof(struct wb_given));
	struct frames frames;
	struct wb_reg *regs;
	bool user_given, partial, is_kernel_thread;

	if (!built)
		return WB_ERR_MEMORY;
	regs = (struct wb_reg *)(built + 1);
	frames = (struct frames){ (struct wb_given *)(regs + num_regs), 0 };
	memset(built, 0, sizeof(*built));
	built->sample = (struct wb_sample){ .size = sizeof(built->sample), .pid = parts->pid, .tid = parts->tid, .cpu = parts->cpu,
					    .time_ns = parts->time, .weight = parts->period };
	user_given = add_given(&frames, event, record, parts, late, num_regs && parts->stack_size, big_endian, &partial);
	if (num_regs && (!user_given || is_link_alone(event->regs_user, arch)))
		add_context(built, regs, event, parts, arch, big_endian);
	/* A sample of user code always has the place where it stood. */
	if (!frames.count && !built->sample.num_contexts && event->at_ip)
		add_frame(&frames, parts->ip, (enum wb_given_kind)kind_of_mode(record->misc), WB_PC_EXACT);
	built->sample.given = frames.items;
	built->sample.num_given = frames.count;
	/* Registers of user code were asked for, and the kernel says that the task has none. A chain as long as it can be may be cut. */
	is_kernel_thread = event->sample_type & WB_PERF_S_REGS_USER && !parts->abi && !user_given && frames.count < CHAIN_DEPTH_DEFAULT;
	built->sample.flags = (partial ? WB_SAMPLE_GIVEN_PARTIAL : 0) | (is_kernel_thread ? WB_SAMPLE_KERNEL_THREAD : 0);
	*ret_sample = &built->sample;
	return WB_OK;
}
