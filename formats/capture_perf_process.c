/* SPDX-License-Identifier: MIT */
/*
 * Processes: who is mapped where at the time of a sample. Mappings are collected and become a version of the process's space once a sample
 * needs it; fork shares the parent's version; exec starts anew. Kernel mappings are in one space above all others. What the records mean is
 * in the ABI's comments on enum perf_event_type and in perf's util/machine.c and util/map.c.
 */
#include "formats/capture_perf.h"

#include "base/mem.h"
#include "model/session.h"

#include <stdio.h>
#include <string.h>

enum {
	ENDED_MAX = 1024,             /* threads that are remembered after their end: perf's records around an exit are not exact */
	COMM_MAX = 64,                /* bytes of a name that are kept; Linux has 16 */
	KERNEL_SPAN = 64 << 20,       /* bytes that a kernel's image has at least: 40 MiB are usual */
	PENDING_MAX = 256,            /* mappings to collect before a version is made of them */
	/* What things take, in bytes, about: with their slots in tables. */
	THREAD_COST = 160,
	PROCESS_COST = 640,
	LEAF_COST = 4608,             /* of a space: what a mapping that is added copies */
	MAPPING_COST = 128,           /* of a space, in leaves that are half full */
	IMAGE_COST = 640,
	STRING_COST = COMM_MAX + 48,
	MEMORY_SHARE = 2,             /* of max_memory: half is for all this, half for records that wait */
};

void wb_perf_processes_init(struct wb_perf_processes *processes, struct wb_capture_input *input, struct wb_perf_header *header)
{
	*processes = (struct wb_perf_processes){ .input = input, .header = header };
}

static void process_forget_pending(struct wb_perf_process *process)
{
	for (size_t i = 0; i < process->num_pending; i++)
		wb_image_unref(process->pending[i].image);
	process->num_pending = 0;
}

static void process_forget_maps(struct wb_perf_processes *processes, struct wb_perf_process *process)
{
	for (size_t i = 0; i < 2; i++) {
		wb_space_unref(process->versions[i].space);
		process->versions[i] = (struct wb_perf_version){ NULL, 0, 0 };
	}
	process_forget_pending(process);
	processes->held -= process->held;
	process->held = 0;
	process->kernel_changes = 0;
	process->changes++;
	process->compat = false;
}

static void process_free(struct wb_perf_processes *processes, struct wb_perf_process *process)
{
	process_forget_maps(processes, process);
	processes->held -= PROCESS_COST;
	wb_mem_free(process->pending);
	wb_mem_free(process);
}

void wb_perf_processes_deinit(struct wb_perf_processes *processes)
{
	for (size_t i = 0; i < processes->by_tid.capacity; i++)
		wb_mem_free(processes->by_tid.slots[i].value);
	for (size_t i = 0; i < processes->by_pid.capacity; i++) {
		if (processes->by_pid.slots[i].value)
			process_free(processes, processes->by_pid.slots[i].value);
	}
	wb_perf_table_deinit(&processes->by_tid);
	wb_perf_table_deinit(&processes->by_pid);
	wb_space_unref(processes->kernel);
	wb_perf_modules_deinit(&processes->modules);
	wb_perf_strings_deinit(&processes->strings);
	wb_mem_free(processes->ended);
}

/* ---- What memory there is for it ---------------------------------------------------------------------------------- */

static bool is_full(const struct wb_perf_processes *processes)
{
	struct wb_usage usage = { .size = sizeof(usage) };
	uint64_t held = processes->held + processes->strings.count * STRING_COST;

	(void)wb_session_usage(processes->input->session, &usage);
	return held + usage.images * IMAGE_COST > processes->input->opts.max_memory / MEMORY_SHARE;
}

static void forget_ended(struct wb_perf_processes *processes);

/* Every task and mapping is asked for here before it is kept. Those that ended go first. */
static enum wb_err keep_memory(struct wb_perf_processes *processes)
{
	if (!is_full(processes))
		return WB_OK;
	forget_ended(processes);
	if (!is_full(processes))
		return WB_OK;
	return wb_diag_report(wb_session_diags(processes->input->session), WB_ERR_LIMIT, WB_DIAG_MEMORY_BUDGET, processes->input->name, "", UINT64_MAX,
			      "the recording has more tasks, mappings and files than memory is allowed for");
}

/* ---- Processes and threads ---------------------------------------------------------------------------------------- */

static enum wb_err process_get(struct wb_perf_processes *processes, uint32_t pid, struct wb_perf_process **ret_process)
{
	struct wb_perf_process *process = wb_perf_table_find(&processes->by_pid, pid);
	enum wb_err err;

	if (!process) {
		process = wb_mem_zalloc(1, sizeof(*process));
		if (!process)
			return WB_ERR_MEMORY;
		process->pid = pid;
		process->changes = 1;
		err = wb_perf_table_put(&processes->by_pid, pid, process);
		if (err != WB_OK) {
			wb_mem_free(process);
			return err;
		}
		processes->held += PROCESS_COST;
	}
	*ret_process = process;
	return WB_OK;
}

/* A process without threads goes. */
static void process_leave(struct wb_perf_processes *processes, struct wb_perf_process *process)
{
	if (--process->threads)
		return;
	wb_perf_table_remove(&processes->by_pid, process->pid);
	process_free(processes, process);
}

static enum wb_err thread_new(struct wb_perf_processes *processes, uint32_t tid, struct wb_perf_thread **ret_thread)
{
	struct wb_perf_thread *thread = wb_mem_zalloc(1, sizeof(*thread));
	enum wb_err err;

	if (!thread)
		return WB_ERR_MEMORY;
	processes->held += THREAD_COST;
	thread->tid = tid;
	/* The idle tasks have no COMM record; this is what they are called. */
	thread->comm = tid ? "" : "swapper";
	err = wb_perf_table_put(&processes->by_tid, tid, thread);
	if (err != WB_OK) {
		processes->held -= THREAD_COST;
		wb_mem_free(thread);
		return err;
	}
	*ret_thread = thread;
	return WB_OK;
}

enum wb_err wb_perf_processes_thread(struct wb_perf_processes *processes, uint32_t pid, uint32_t tid, struct wb_perf_thread **ret_thread)
{
	struct wb_perf_thread *thread = processes->last;
	struct wb_perf_process *process;
	enum wb_err err;

	if (thread && thread->tid == tid && thread->process->pid == pid) {
		*ret_thread = thread;
		return WB_OK;
	}
	thread = wb_perf_table_find(&processes->by_tid, tid);
	if (!thread || !thread->process || thread->process->pid != pid) {
		/* Before anything is made: what ended may go, and thread with it. */
		err = keep_memory(processes);
		thread = wb_perf_table_find(&processes->by_tid, tid);
		if (err == WB_OK)
			err = process_get(processes, pid, &process);
		if (err == WB_OK && !thread)
			err = thread_new(processes, tid, &thread);
		if (err != WB_OK)
			return err;
		/* A thread of another process had this tid: it ended without our seeing it. */
		process->threads++;
		if (thread->process)
			process_leave(processes, thread->process);
		thread->process = process;
	}
	processes->last = thread;
	*ret_thread = thread;
	return WB_OK;
}

/* Forgets the thread that ended as the number-th, if it is still that. */
static void thread_forget(struct wb_perf_processes *processes, uint64_t number)
{
	struct wb_perf_thread *thread = wb_perf_table_find(&processes->by_tid, processes->ended[(number - 1) % ENDED_MAX]);

	if (!thread || thread->ended != number)
		return;
	wb_perf_table_remove(&processes->by_tid, thread->tid);
	process_leave(processes, thread->process);
	wb_mem_free(thread);
	processes->held -= THREAD_COST;
	processes->last = NULL;
}

static void forget_ended(struct wb_perf_processes *processes)
{
	uint64_t first = processes->num_ended > ENDED_MAX ? processes->num_ended - ENDED_MAX : 0;

	for (uint64_t i = first; i < processes->num_ended; i++)
		thread_forget(processes, i + 1);
}

/* Remembers that a thread ended; the one that ended ENDED_MAX ends ago is forgotten. */
static enum wb_err thread_end(struct wb_perf_processes *processes, struct wb_perf_thread *thread)
{
	uint64_t number = ++processes->num_ended;

	if (!processes->ended) {
		processes->ended = wb_mem_zalloc(ENDED_MAX, sizeof(processes->ended[0]));
		if (!processes->ended)
			return WB_ERR_MEMORY;
	}
	if (number > ENDED_MAX)
		thread_forget(processes, number - ENDED_MAX);
	thread->ended = number;
	processes->ended[(number - 1) % ENDED_MAX] = thread->tid;
	return WB_OK;
}

/* ---- Versions ----------------------------------------------------------------------------------------------------- */

enum wb_arch wb_perf_arch(enum wb_arch machine, uint64_t abi)
{
	if (abi != 1)
		return machine;
	return machine == WB_ARCH_X86_64 ? WB_ARCH_X86 : machine == WB_ARCH_AARCH64 ? WB_ARCH_ARM : machine;
}

static struct wb_platform platform_of(const struct wb_perf_processes *processes, uint64_t abi)
{
	return (struct wb_platform){ wb_perf_arch(processes->header->arch, abi), processes->header->big_endian, WB_OS_LINUX };
}

/* Takes next as the version. */
static void version_set(struct wb_perf_version *version, struct wb_space *next)
{
	wb_space_unref(version->space);
	version->space = next;
	version->batch = 0;
}

static enum wb_err version_map(struct wb_perf_version *version, const struct wb_mapping *mappings, size_t count)
{
	struct wb_space *next;
	enum wb_err err = wb_space_map(version->space, mappings, count, &next);

	if (err == WB_OK)
		version_set(version, next);
	return err;
}

/* Counts what a version with `added` more mappings takes: the leaves that it copied, or all of it if that is less. */
static void process_hold(struct wb_perf_processes *processes, struct wb_perf_process *process, size_t added)
{
	uint64_t all = LEAF_COST + (uint64_t)wb_space_num_mappings(process->versions[0].space) * MAPPING_COST;
	uint64_t copied = process->held + (uint64_t)added * LEAF_COST;

	processes->held -= process->held;
	process->held = copied < all ? copied : all;
	processes->held += process->held;
}

/* Brings versions[0] up to date. More mappings than a space can have are left out: samples there are just not mapped. */
static enum wb_err process_update(struct wb_perf_processes *processes, struct wb_perf_process *process)
{
	struct wb_perf_version *version = &process->versions[0];
	struct wb_platform platform = platform_of(processes, 0);
	enum wb_err err = WB_OK;

	if (!version->space)
		err = wb_space_new(processes->input->session, &platform, &version->space);
	if (err == WB_OK && process->num_pending) {
		err = version_map(version, process->pending, process->num_pending);
		process_hold(processes, process, process->num_pending);
		process_forget_pending(process);
		process->changes++;
		if (err == WB_ERR_LIMIT)
			err = wb_diag_report(wb_session_diags(processes->input->session), WB_OK, WB_DIAG_CAPTURE_MALFORMED, processes->input->name, "",
					     UINT64_MAX, "process %u has too many mappings", process->pid);
	}
	if (err == WB_OK && process->kernel_changes != processes->kernel_changes) {
		struct wb_space *next;

		err = wb_space_set_parent(version->space, processes->kernel, &next);
		if (err == WB_OK) {
			version_set(version, next);
			process->kernel_changes = processes->kernel_changes;
			process->changes++;
		}
	}
	version->changes = process->changes;
	return err;
}

/* ---- Kernel mappings ---------------------------------------------------------------------------------------------- */

static const uint64_t UPPER_HALF = UINT64_C(1) << 63;

/* The lowest address that the kernel can have. */
static uint64_t kernel_start(const struct wb_perf_processes *processes)
{
	switch (processes->header->arch) {
	case WB_ARCH_X86:
	case WB_ARCH_ARM:
		return UINT64_C(0x40000000); /* the lowest that CONFIG_PAGE_OFFSET can be */
	case WB_ARCH_S390X:
		return 0; /* has address spaces of its own; low addresses are the kernel's too */
	case WB_ARCH_UNKNOWN:
	case WB_ARCH_X86_64:
	case WB_ARCH_AARCH64:
	case WB_ARCH_RISCV64:
	case WB_ARCH_PPC64:
		break;
	}
	return UPPER_HALF;
}

/* The mapping is there from now on, or gone. */
static enum wb_err kernel_version(struct wb_perf_processes *processes, const struct wb_mapping *mapping, bool gone)
{
	struct wb_platform platform = platform_of(processes, 0);
	struct wb_space *next;
	enum wb_err err = WB_OK;

	if (!processes->kernel)
		err = wb_space_new(processes->input->session, &platform, &processes->kernel);
	if (err == WB_OK)
		err = gone ? wb_space_unmap(processes->kernel, mapping->start, mapping->end, &next) :
			     wb_space_map(processes->kernel, mapping, 1, &next);
	if (err != WB_OK)
		return err == WB_ERR_LIMIT ? WB_OK : err;
	wb_space_unref(processes->kernel);
	processes->kernel = next;
	processes->kernel_changes++;
	return WB_OK;
}

/* With an image from the caller, all of the kernel's half is that, whatever the recording says. */
static enum wb_err kernel_given(struct wb_perf_processes *processes)
{
	struct wb_mapping mapping = { .size = sizeof(mapping), .start = kernel_start(processes), .end = UINT64_MAX,
				      .prot = WB_PROT_READ | WB_PROT_EXEC, .image = processes->input->opts.kernel };

	if (processes->kernel || !mapping.image || mapping.start != UPPER_HALF)
		return WB_OK;
	mapping.file_offset = mapping.start;
	return kernel_version(processes, &mapping, false);
}

static enum wb_err kernel_map(struct wb_perf_processes *processes, struct wb_mapping *mapping, struct wb_identity *identity)
{
	uint64_t lowest = kernel_start(processes);
	static const char core[] = "[kernel.kallsyms]";
	enum wb_err err = WB_OK;

	if (processes->input->opts.kernel && lowest == UPPER_HALF)
		return WB_OK;
	/* Without permission to see addresses perf writes a mapping from 0 on. */
	if (mapping->start < lowest)
		mapping->start = lowest;
	if (mapping->start >= mapping->end)
		return WB_OK;
	/* "_text" or "_stext" follows: the symbol that tells where the kernel was moved. */
	if (!strncmp(identity->path, core, sizeof(core) - 1)) {
		identity->path = core;
		identity->flags = WB_IMAGE_ABSOLUTE;
		/* perf gives the end of .text; there is code behind it. Modules come later, and cut this. */
		if (mapping->end - mapping->start < KERNEL_SPAN && mapping->start < UINT64_MAX - KERNEL_SPAN)
			mapping->end = mapping->start + KERNEL_SPAN;
	}
	if (processes->input->opts.kernel)
		mapping->image = wb_image_ref(processes->input->opts.kernel);
	else
		err = wb_image_new(processes->input->session, identity, &mapping->image);
	if (err != WB_OK)
		return err;
	err = wb_perf_modules_add(&processes->modules, mapping->image, mapping->start, UINT32_MAX);
	if (err == WB_OK)
		err = kernel_version(processes, mapping, false);
	wb_image_unref(mapping->image);
	return err;
}

/* KSYMBOL: code that the kernel made, such as BPF programs: address u64, length u32, type u16, flags u16, name. */
static enum wb_err kernel_symbol(struct wb_perf_processes *processes, struct wb_bytes *body)
{
	struct wb_mapping mapping = { .size = sizeof(mapping), .prot = WB_PROT_READ | WB_PROT_EXEC };
	enum { UNREGISTER = 1 };
	char line[256], *text;
	uint32_t length;
	uint16_t flags;
	const char *name;
	int size;
	enum wb_err err;

	mapping.start = mapping.file_offset = wb_bytes_u64(body);
	length = wb_bytes_u32(body);
	wb_bytes_u16(body);
	flags = wb_bytes_u16(body);
	name = wb_bytes_string(body);
	if (!name)
		return WB_ERR_DATA;
	if (!length || !wb_u64_add(mapping.start, length, &mapping.end) || mapping.start < kernel_start(processes) || processes->input->opts.kernel)
		return WB_OK;
	if (flags & UNREGISTER)
		return kernel_version(processes, &mapping, true);
	err = keep_memory(processes);
	if (err != WB_OK)
		return err;
	/* An image of its own each: one program is often loaded several times, under one name. */
	size = snprintf(line, sizeof(line), "%llx %x %.200s\n", (unsigned long long)mapping.start, length, name);
	text = wb_mem_dup(line, (size_t)size);
	if (!text)
		return WB_ERR_MEMORY;
	err = wb_image_open_bytes(processes->input->session, name, text, (size_t)size, WB_IMAGE_ABSOLUTE, wb_mem_free, text, &mapping.image);
	/* Without a name it is still known to be there. */
	if (err != WB_ERR_MEMORY)
		err = kernel_version(processes, &mapping, false);
	wb_image_unref(mapping.image);
	return err;
}

/* ---- The space of a sample ----------------------------------------------------------------------------------------- */

enum wb_err wb_perf_processes_space(struct wb_perf_processes *processes, struct wb_perf_process *process, uint64_t abi,
				    struct wb_perf_version **ret_version)
{
	struct wb_perf_version *compat = &process->versions[1];
	struct wb_platform platform;
	struct wb_space *next;
	enum wb_err err = kernel_given(processes);

	if (abi)
		process->compat = wb_perf_arch(processes->header->arch, abi) != processes->header->arch;
	if (err == WB_OK && (!process->versions[0].space || process->num_pending || process->kernel_changes != processes->kernel_changes))
		err = process_update(processes, process);
	if (err != WB_OK)
		return err;
	if (!process->compat) {
		*ret_version = &process->versions[0];
		return WB_OK;
	}
	if (!compat->space || compat->changes != process->changes) {
		platform = platform_of(processes, 1);
		err = wb_space_set_platform(process->versions[0].space, &platform, &next);
		if (err != WB_OK)
			return err;
		version_set(compat, next);
		compat->changes = process->changes;
	}
	*ret_version = compat;
	return WB_OK;
}

/* ---- Mappings ----------------------------------------------------------------------------------------------------- */

static bool starts_with(const char *string, const char *prefix)
{
	return !strncmp(string, prefix, strlen(prefix));
}

/* Memory without a file behind it that could be opened; generated code lives there. */
static bool is_anonymous(const char *path)
{
	static const char *const prefixes[] = { "/dev/zero", "/anon_hugepage", "[heap]", "[stack", "[anon", "[vvar", "/SYSV", "/memfd:", "anon_inode:" };

	if (!*path || !strcmp(path, "//anon"))
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (starts_with(path, prefixes[i]))
			return true;
	}
	return false;
}

static enum wb_err process_map(struct wb_perf_processes *processes, uint32_t pid, uint32_t tid, struct wb_mapping *mapping,
			       struct wb_identity *identity)
{
	struct wb_perf_thread *thread;
	struct wb_perf_process *process;
	char map_path[64];
	enum wb_err err = wb_perf_processes_thread(processes, pid, tid, &thread);

	if (err != WB_OK)
		return err;
	process = thread->process;
	if (!identity->build_id_size && is_anonymous(identity->path)) {
		/* perf, too, looks for generated code's names in this file (util/map.c). */
		snprintf(map_path, sizeof(map_path), "/tmp/perf-%u.map", pid);
		identity->path = mapping->prot & WB_PROT_EXEC ? map_path : "";
		identity->flags = WB_IMAGE_ABSOLUTE;
	}
	if (process->num_pending >= PENDING_MAX)
		err = process_update(processes, process);
	if (err != WB_OK)
		return err;
	if (!wb_mem_grow((void **)&process->pending, &process->pending_capacity, process->num_pending, 1, sizeof(process->pending[0])))
		return WB_ERR_MEMORY;
	if (*identity->path)
		err = wb_image_new(processes->input->session, identity, &mapping->image);
	if (err != WB_OK)
		return err;
	process->pending[process->num_pending++] = *mapping;
	if (mapping->image && mapping->prot & WB_PROT_EXEC)
		err = wb_perf_modules_add(&processes->modules, mapping->image, mapping->start, pid);
	return err;
}

static enum wb_err record_mmap(struct wb_perf_processes *processes, uint32_t type, uint16_t misc, struct wb_bytes *body)
{
	struct wb_mapping mapping = { .size = sizeof(mapping) };
	struct wb_identity identity = { .size = sizeof(identity), .platform = platform_of(processes, 0) };
	const struct wb_perf_build_id *known;
	unsigned cpumode = misc & WB_PERF_CPUMODE;
	uint32_t pid = wb_bytes_u32(body), tid = wb_bytes_u32(body);
	uint64_t length;
	enum wb_err err;

	mapping.start = wb_bytes_u64(body);
	length = wb_bytes_u64(body);
	mapping.file_offset = wb_bytes_u64(body);
	/* An MMAP does not tell whether data may be written: its file's bytes are not to be trusted then. */
	mapping.prot = misc & WB_PERF_MISC_MMAP_DATA ? WB_PROT_READ | WB_PROT_WRITE : WB_PROT_READ | WB_PROT_EXEC;
	if (type == WB_PERF_MMAP2) {
		const uint8_t *file = wb_bytes_take(body, 24);

		mapping.prot = wb_bytes_u32(body) & (WB_PROT_READ | WB_PROT_WRITE | WB_PROT_EXEC);
		wb_bytes_u32(body); /* flags */
		if (file && misc & WB_PERF_MISC_MMAP_BUILD_ID && file[0] <= WB_PERF_BUILD_ID_MAX) {
			identity.build_id = file + 4;
			identity.build_id_size = file[0];
		}
	}
	identity.path = wb_bytes_string(body);
	if (!identity.path)
		return WB_ERR_DATA;
	if (!wb_u64_add(mapping.start, length, &mapping.end))
		mapping.end = UINT64_MAX;
	if (!length || (cpumode != WB_PERF_USER && cpumode != WB_PERF_KERNEL))
		return WB_OK;
	known = identity.build_id_size ? NULL :
					 wb_perf_build_ids_find(&processes->header->build_ids, identity.path, cpumode == WB_PERF_KERNEL);
	if (known) {
		identity.build_id = known->bytes;
		identity.build_id_size = known->size;
	}
	err = keep_memory(processes);
	if (err != WB_OK)
		return err;
	if (cpumode == WB_PERF_KERNEL)
		return kernel_map(processes, &mapping, &identity);
	return process_map(processes, pid, tid, &mapping, &identity);
}

/* ---- Tasks -------------------------------------------------------------------------------------------------------- */

/* The child starts with its parent's mappings. */
static enum wb_err process_clone(struct wb_perf_processes *processes, uint32_t ppid, struct wb_perf_process *child)
{
	struct wb_perf_process *parent = wb_perf_table_find(&processes->by_pid, ppid);
	enum wb_err err;

	process_forget_maps(processes, child);
	if (!parent || (!parent->versions[0].space && !parent->num_pending))
		return WB_OK;
	err = process_update(processes, parent);
	if (err != WB_OK)
		return err;
	child->versions[0].space = wb_space_ref(parent->versions[0].space);
	child->versions[0].changes = child->changes;
	child->kernel_changes = parent->kernel_changes;
	child->compat = parent->compat;
	return WB_OK;
}

static enum wb_err record_fork(struct wb_perf_processes *processes, uint16_t misc, struct wb_bytes *body)
{
	uint32_t pid = wb_bytes_u32(body), ppid = wb_bytes_u32(body), tid = wb_bytes_u32(body), ptid = wb_bytes_u32(body);
	struct wb_perf_thread *thread, *parent;
	enum wb_err err;

	if (wb_bytes_failed(body))
		return WB_ERR_DATA;
	err = wb_perf_processes_thread(processes, pid, tid, &thread);
	if (err != WB_OK)
		return err;
	parent = wb_perf_table_find(&processes->by_tid, ptid);
	thread->ended = 0;
	thread->comm = parent ? parent->comm : "";
	if (pid == ppid)
		return WB_OK;
	if (misc & WB_PERF_MISC_FORK_EXEC) {
		process_forget_maps(processes, thread->process);
		return WB_OK;
	}
	return process_clone(processes, ppid, thread->process);
}

static enum wb_err record_comm(struct wb_perf_processes *processes, uint16_t misc, struct wb_bytes *body)
{
	uint32_t pid = wb_bytes_u32(body), tid = wb_bytes_u32(body);
	const char *comm = wb_bytes_string(body);
	struct wb_perf_thread *thread;
	size_t size;
	enum wb_err err;

	if (!comm)
		return WB_ERR_DATA;
	err = wb_perf_processes_thread(processes, pid, tid, &thread);
	if (err != WB_OK)
		return err;
	if (misc & WB_PERF_MISC_COMM_EXEC)
		process_forget_maps(processes, thread->process);
	size = strlen(comm);
	return wb_perf_strings_keep(&processes->strings, comm, size < COMM_MAX ? size : COMM_MAX, &thread->comm);
}

static enum wb_err record_exit(struct wb_perf_processes *processes, struct wb_bytes *body)
{
	uint32_t pid = wb_bytes_u32(body), tid;
	struct wb_perf_thread *thread;

	wb_bytes_u32(body); /* ppid */
	tid = wb_bytes_u32(body);
	if (wb_bytes_failed(body))
		return WB_ERR_DATA;
	thread = wb_perf_table_find(&processes->by_tid, tid);
	if (!thread || thread->process->pid != pid || thread->ended)
		return WB_OK;
	return thread_end(processes, thread);
}

enum wb_err wb_perf_processes_record(struct wb_perf_processes *processes, uint32_t type, uint16_t misc, struct wb_bytes body)
{
	switch (type) {
	case WB_PERF_MMAP:
	case WB_PERF_MMAP2: return record_mmap(processes, type, misc, &body);
	case WB_PERF_FORK: return record_fork(processes, misc, &body);
	case WB_PERF_COMM: return record_comm(processes, misc, &body);
	case WB_PERF_EXIT: return record_exit(processes, &body);
	case WB_PERF_KSYMBOL: return kernel_symbol(processes, &body);
	default: return WB_OK;
	}
}
