/* SPDX-License-Identifier: MIT */
/*
 * Goroutines of a process's memory, one at a time: what the runtime's structs g and m say of each, and the registers from which its stack goes on. Where
 * the structs are, go_threads_find.c knows; where in them things are, go_threads_layout.c.
 */
#include "unwind/go_threads.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/session.h"

#include <stdlib.h>
#include <string.h>

enum {
	REGS_MAX = 4,                 /* pc, SP, FP, link register */
	LABELS_MAX = 64,              /* of one goroutine; people use a handful */
	TEXT_SIZE = 16 << 10,         /* bytes of their texts */
	STATE_SIZE = 64,              /* bytes of a wait reason: the longest known has 31 */
	STATUS_SCAN = 0x1000,         /* _Gscan */
};

/* A struct m. */
struct thread {
	uint64_t address, number, system, current, vdso_sp, vdso_pc;
	uint32_t tid;
};

struct wb_goroutines {
	struct wb_go_runtime runtime;
	uint64_t *listed;             /* addresses of g */
	size_t num_listed;
	struct thread *threads;       /* sorted by address */
	size_t num_threads;
	unsigned next;                /* offset of m.alllink; 0: not known yet */
	uint32_t *idle;               /* those of them that run no goroutine */
	size_t num_idle;
	/* Of the goroutine that was given last. */
	struct wb_reg regs[REGS_MAX];
	struct wb_label labels[LABELS_MAX];
	char text[TEXT_SIZE], state[STATE_SIZE];
};

/* ---- Threads ---- */

/* Where a thread is in the sorted table, or belongs. */
static size_t thread_place(const struct wb_goroutines *all, uint64_t address)
{
	size_t low = 0, high = all->num_threads;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all->threads[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct thread *find_thread(const struct wb_goroutines *all, uint64_t address)
{
	size_t at = thread_place(all, address);

	return at < all->num_threads && all->threads[at].address == address ? &all->threads[at] : NULL;
}

/* *ret_next: the m before it; 0: none, or unknown. */
static bool read_thread(const struct wb_goroutines *all, uint64_t address, struct thread *ret_thread, uint64_t *ret_next)
{
	const struct wb_go_memory *memory = &all->runtime.memory;
	const struct wb_go_layout *layout = all->runtime.layout;
	uint64_t vdso = address + all->next + layout->vdso_sp, procid;
	struct thread thread = { .address = address };
	uint8_t bytes[8];

	/* procid and the number have 64 bits everywhere. */
	if (wb_space_read(memory->space, address + layout->procid, bytes, 8) || !wb_go_read_word(memory, address, &thread.system) ||
	    !wb_go_read_word(memory, address + layout->current, &thread.current))
		return false;
	procid = wb_load64(bytes, memory->big_endian);
	thread.tid = procid <= UINT32_MAX ? (uint32_t)procid : 0;
	if (wb_space_read(memory->space, address + layout->number, bytes, 8) == WB_OK)
		thread.number = wb_load64(bytes, memory->big_endian);
	if (!all->next || !wb_go_read_word(memory, vdso, &thread.vdso_sp) || !wb_go_read_word(memory, vdso + memory->word_size, &thread.vdso_pc))
		thread.vdso_sp = thread.vdso_pc = 0;
	if (!all->next || !wb_go_read_word(memory, address + all->next, ret_next))
		*ret_next = 0;
	*ret_thread = thread;
	return true;
}

/* Adds a thread and those that were made before it, up to one that is known: so each is read once, and a circle ends. */
static enum wb_err add_threads(struct wb_goroutines *all, size_t *capacity, uint64_t address)
{
	while (address && all->num_threads < WB_GO_THREADS_MAX) {
		size_t at = thread_place(all, address);
		struct thread thread;
		uint64_t next;

		if (at < all->num_threads && all->threads[at].address == address)
			break;
		if (!all->next)
			all->next = wb_go_find_next(&all->runtime, address);
		if (!read_thread(all, address, &thread, &next))
			break;
		if (!wb_mem_grow((void **)&all->threads, capacity, all->num_threads, 1, sizeof(thread)))
			return WB_ERR_MEMORY;
		memmove(all->threads + at + 1, all->threads + at, (all->num_threads - at) * sizeof(thread));
		all->threads[at] = thread;
		all->num_threads++;
		address = next;
	}
	return WB_OK;
}

static enum wb_err list_idle(struct wb_goroutines *all)
{
	all->idle = wb_mem_zalloc(all->num_threads, sizeof(*all->idle));
	if (!all->idle)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < all->num_threads; i++)
		if (!all->threads[i].current)
			all->idle[all->num_idle++] = (uint32_t)i;
	return WB_OK;
}

/* ---- The list ---- */

static int compare_addresses(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

/* The runtime lists none twice; a damaged list could make much of little. */
static enum wb_err check_distinct(const struct wb_goroutines *all)
{
	uint64_t *sorted = wb_mem_dup(all->listed, all->num_listed * sizeof(*sorted));
	enum wb_err err = WB_OK;

	if (!sorted)
		return WB_ERR_MEMORY;
	qsort(sorted, all->num_listed, sizeof(*sorted), compare_addresses);
	for (size_t i = 1; i < all->num_listed && !err; i++)
		if (sorted[i] - sorted[i - 1] < all->runtime.layout->labels)
			err = WB_ERR_DATA;
	wb_mem_free(sorted);
	return err;
}

/* Whether g is in memory, and alive; *ret_thread: the m that it is on. */
static bool is_alive(const struct wb_go_runtime *runtime, uint64_t g, uint64_t *ret_thread)
{
	const struct wb_go_memory *memory = &runtime->memory;
	uint8_t bytes[WB_GO_G_SIZE];
	uint32_t status;

	if (wb_space_read(memory->space, g, bytes, runtime->layout->labels + memory->word_size))
		return false;
	status = wb_load32(bytes + runtime->layout->status, memory->big_endian) & ~(uint32_t)STATUS_SCAN;
	*ret_thread = wb_go_load_word(memory, bytes + WB_GO_G_M * memory->word_size);
	return status <= WB_GOROUTINE_LEAKED && status != WB_GOROUTINE_DEAD && status != WB_GOROUTINE_IDLE;
}

/* What is absent of the list or of its goroutines is left out. */
static enum wb_err read_list(struct wb_goroutines *all, size_t *threads_capacity)
{
	const struct wb_go_runtime *runtime = &all->runtime;
	unsigned word = runtime->memory.word_size;
	size_t capacity = 0;
	uint64_t g, thread;
	enum wb_err err = WB_OK;

	for (uint64_t i = 0; i < runtime->num_listed && i < WB_GO_LIST_MAX && !err; i++) {
		if (!wb_go_read_word(&runtime->memory, runtime->list + i * word, &g))
			break;
		if (!is_alive(runtime, g, &thread))
			continue;
		if (!wb_mem_grow((void **)&all->listed, &capacity, all->num_listed, 1, sizeof(g)))
			return WB_ERR_MEMORY;
		all->listed[all->num_listed++] = g;
		err = add_threads(all, threads_capacity, thread);
	}
	return err;
}

static enum wb_err read_all(struct wb_goroutines *all)
{
	struct wb_session *session = wb_space_session(all->runtime.memory.space);
	size_t threads_capacity = 0;
	enum wb_err err = add_threads(all, &threads_capacity, all->runtime.threads);

	if (!err)
		err = read_list(all, &threads_capacity);
	if (!err && all->num_listed)
		err = check_distinct(all);
	if (err == WB_ERR_DATA)
		return wb_diag_report(wb_session_diags(session), err, WB_DIAG_GO_MALFORMED, "", "", UINT64_MAX, "the list of goroutines at 0x%llx has some twice",
		                      (unsigned long long)all->runtime.list);
	return err ? err : list_idle(all);
}

enum wb_err wb_goroutines_new(struct wb_space *space, struct wb_goroutines **ret_goroutines)
{
	struct wb_goroutines *all;
	enum wb_err err;

	if (!space || !ret_goroutines)
		return WB_ERR_ARGUMENT;
	all = wb_mem_zalloc(1, sizeof(*all));
	if (!all)
		return WB_ERR_MEMORY;
	err = wb_go_runtime_find(space, &all->runtime);
	if (!err)
		err = read_all(all);
	if (err) {
		wb_goroutines_free(all);
		return err;
	}
	*ret_goroutines = all;
	return WB_OK;
}

void wb_goroutines_free(struct wb_goroutines *goroutines)
{
	if (!goroutines)
		return;
	wb_mem_free(goroutines->listed);
	wb_mem_free(goroutines->threads);
	wb_mem_free(goroutines->idle);
	wb_mem_free(goroutines);
}

size_t wb_goroutines_count(const struct wb_goroutines *goroutines)
{
	return goroutines ? goroutines->num_listed + goroutines->num_idle : 0;
}

/* ---- One of them ---- */

/* gStatusStrings of runtime/traceback.go. */
static const char *status_text(uint32_t status)
{
	switch ((enum wb_goroutine_status)status) {
	case WB_GOROUTINE_IDLE: return "idle";
	case WB_GOROUTINE_RUNNABLE: return "runnable";
	case WB_GOROUTINE_RUNNING: return "running";
	case WB_GOROUTINE_SYSCALL: return "syscall";
	case WB_GOROUTINE_WAITING: return "waiting";
	case WB_GOROUTINE_DEAD: return "dead";
	case WB_GOROUTINE_COPYSTACK: return "copystack";
	case WB_GOROUTINE_PREEMPTED: return "preempted";
	case WB_GOROUTINE_LEAKED: return "leaked";
	case WB_GOROUTINE_DEAD_EXTRA: return "waiting for cgo callback";
	}
	return "???";
}

/* The runtime's own text for a wait reason; NULL: none. */
static const char *reason_text(struct wb_goroutines *all, uint8_t reason)
{
	const struct wb_go_memory *memory = &all->runtime.memory;
	uint64_t header = all->runtime.reasons + reason * UINT64_C(2) * memory->word_size, text, length;

	if (!reason || !all->runtime.reasons || !wb_go_read_word(memory, header, &text) ||
	    !wb_go_read_word(memory, header + memory->word_size, &length) || !length || length >= STATE_SIZE ||
	    !wb_go_read_constant(&all->runtime, text, all->state, (size_t)length))
		return NULL;
	for (size_t i = 0; i < length; i++)
		if (all->state[i] < 0x20 || all->state[i] == 0x7f)
			return NULL;
	all->state[length] = '\0';
	return all->state;
}

/* A register set of a stack that stands still: its pc is behind a call, or where a function is about to start. */
struct resume { uint64_t pc, sp, fp, link; bool has_fp, has_link; };

static void set_context(struct wb_goroutines *all, const struct resume *resume, struct wb_goroutine *goroutine)
{
	const struct wb_arch_info *arch = all->runtime.arch;
	size_t count = 0;

	if (!wb_go_is_code(&all->runtime, resume->pc) || resume->sp < goroutine->stack_start || resume->sp >= goroutine->stack_end)
		return;
	all->regs[count++] = (struct wb_reg){ .number = WB_REG_PC, .value = resume->pc };
	all->regs[count++] = (struct wb_reg){ .number = arch->regs[arch->sp].number, .value = resume->sp };
	if (resume->has_fp)
		all->regs[count++] = (struct wb_reg){ .number = arch->regs[arch->fp].number, .value = resume->fp };
	if (resume->has_link)
		all->regs[count++] = (struct wb_reg){ .number = arch->regs[arch->leaf.ra_slot].number, .value = resume->link };
	goroutine->context = (struct wb_context){ .regs = all->regs, .num_regs = count,
	                                          .pc_kind = wb_go_is_entry(&all->runtime, resume->pc) ? WB_PC_EXACT : WB_PC_RETURN };
}

/* Where the stack goes on: while the vDSO runs on another stack, behind the call of it (runtime.nanotime1 and others note that in m); in system calls
 * and calls of C, and while they are left, where the runtime was told of them; else where it was parked. */
static struct resume find_resume(const struct wb_goroutines *all, const uint8_t *g, const struct thread *thread)
{
	const struct wb_go_memory *memory = &all->runtime.memory;
	const struct wb_go_layout *layout = all->runtime.layout;
	const struct wb_arch_info *arch = all->runtime.arch;
	unsigned word = memory->word_size;
	const uint8_t *buf = g + WB_GO_G_BUF * word, *syscall = buf + layout->buf_words * word;

	if (thread && thread->vdso_sp)
		return (struct resume){ .pc = thread->vdso_pc, .sp = thread->vdso_sp };
	if (wb_go_load_word(memory, syscall))
		return (struct resume){ .sp = wb_go_load_word(memory, syscall), .pc = wb_go_load_word(memory, syscall + word),
			                .fp = wb_go_load_word(memory, syscall + 2 * word), .has_fp = layout->has_syscall_bp && arch->go->keeps_fp };
	return (struct resume){ .sp = wb_go_load_word(memory, buf + WB_GO_BUF_SP * word), .pc = wb_go_load_word(memory, buf + WB_GO_BUF_PC * word),
		                .link = wb_go_load_word(memory, syscall - 2 * word), .has_link = arch->leaf.ra_in_register,
		                .fp = wb_go_load_word(memory, syscall - word), .has_fp = arch->go->keeps_fp };
}

static void take_thread(const struct thread *thread, uint64_t g, struct wb_goroutine *goroutine)
{
	if (!thread)
		return;
	goroutine->thread_id = thread->number;
	goroutine->tid = thread->tid;
	if (thread->current == g)
		goroutine->flags |= WB_GOROUTINE_ON_THREAD;
}

static enum wb_err get_listed(struct wb_goroutines *all, uint64_t address, struct wb_goroutine *ret)
{
	const struct wb_go_memory *memory = &all->runtime.memory;
	const struct wb_go_layout *layout = all->runtime.layout;
	unsigned word = memory->word_size;
	const struct thread *thread;
	uint8_t g[WB_GO_G_SIZE];
	const char *reason = NULL;
	struct resume resume;
	uint32_t status;

	if (wb_space_read(memory->space, address, g, layout->labels + word))
		return WB_NONE;
	status = wb_load32(g + layout->status, memory->big_endian);
	ret->id = wb_load64(g + layout->id, memory->big_endian);
	ret->address = address;
	ret->flags = (status & STATUS_SCAN ? WB_GOROUTINE_SCAN : 0u) | (wb_go_load_word(memory, g + layout->locked) ? WB_GOROUTINE_LOCKED : 0u);
	ret->status = status & ~(uint32_t)STATUS_SCAN;
	ret->thread_address = wb_go_load_word(memory, g + WB_GO_G_M * word);
	thread = find_thread(all, ret->thread_address);
	take_thread(thread, address, ret);
	if (ret->status == WB_GOROUTINE_WAITING || ret->status == WB_GOROUTINE_LEAKED)
		reason = reason_text(all, g[layout->wait_reason]);
	ret->state = reason ? reason : status_text(ret->status);
	if (ret->status == WB_GOROUTINE_WAITING || ret->status == WB_GOROUTINE_SYSCALL)
		ret->waiting_since_ns = wb_load64(g + layout->wait_since, memory->big_endian);
	ret->stack_start = wb_go_load_word(memory, g + WB_GO_G_LOW * word);
	ret->stack_end = wb_go_load_word(memory, g + WB_GO_G_HIGH * word);
	ret->created_at = wb_go_load_word(memory, g + layout->created_at);
	ret->created_by = layout->parent ? wb_load64(g + layout->parent, memory->big_endian) : 0;
	ret->start = wb_go_load_word(memory, g + layout->start);
	ret->num_labels = wb_go_labels_read(&all->runtime, wb_go_load_word(memory, g + layout->labels), all->labels, LABELS_MAX, all->text, TEXT_SIZE);
	ret->labels = all->labels;
	resume = find_resume(all, g, ret->flags & WB_GOROUTINE_ON_THREAD ? thread : NULL);
	set_context(all, &resume, ret);
	return WB_OK;
}

/* g0, whose g has no more to say than its stack. The runtime calls it idle, too. */
static void get_idle(const struct wb_goroutines *all, const struct thread *thread, struct wb_goroutine *ret)
{
	const struct wb_go_memory *memory = &all->runtime.memory;

	ret->address = thread->system;
	ret->thread_address = thread->address;
	ret->thread_id = thread->number;
	ret->tid = thread->tid;
	ret->flags = WB_GOROUTINE_SYSTEM | WB_GOROUTINE_ON_THREAD;
	ret->state = status_text(WB_GOROUTINE_IDLE);
	if (!wb_go_read_word(memory, thread->system, &ret->stack_start) ||
	    !wb_go_read_word(memory, thread->system + memory->word_size, &ret->stack_end))
		ret->stack_start = ret->stack_end = 0;
}

enum wb_err wb_goroutines_get(struct wb_goroutines *goroutines, size_t nth, struct wb_goroutine *goroutine)
{
	struct wb_goroutine ours = { .size = sizeof(ours), .state = "" };
	enum wb_err err = WB_OK;

	if (!goroutines || !goroutine)
		return WB_ERR_ARGUMENT;
	if (nth >= wb_goroutines_count(goroutines))
		return WB_NONE;
	if (nth < goroutines->num_listed)
		err = get_listed(goroutines, goroutines->listed[nth], &ours);
	else
		get_idle(goroutines, &goroutines->threads[goroutines->idle[nth - goroutines->num_listed]], &ours);
	return err ? err : wb_struct_give(goroutine, &ours, sizeof(ours));
}
