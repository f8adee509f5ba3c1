/* SPDX-License-Identifier: MIT */
/* A machine whose processor is libunicorn. System calls and signals are done between instructions, never inside of the emulator's callbacks. */
#include "emulator.h"
#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Processors ---- */

struct processor {
	enum wb_arch arch;
	uc_arch uc_arch;
	uc_mode uc_mode;
	const int *regs;              /* unicorn's numbers, by index of the target's registers */
	int system_instruction;       /* the instruction of system calls, where that is no exception; 0 */
	bool (*prepare)(struct emulator *emulator); /* NULL: nothing to do */
};

static const int x86_64_regs[] = {
	UC_X86_REG_RAX, UC_X86_REG_RDX, UC_X86_REG_RCX, UC_X86_REG_RBX, UC_X86_REG_RSI, UC_X86_REG_RDI, UC_X86_REG_RBP, UC_X86_REG_RSP,
	UC_X86_REG_R8, UC_X86_REG_R9, UC_X86_REG_R10, UC_X86_REG_R11, UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15,
	UC_X86_REG_RIP,
};

static const int aarch64_regs[] = {
	UC_ARM64_REG_X0, UC_ARM64_REG_X1, UC_ARM64_REG_X2, UC_ARM64_REG_X3, UC_ARM64_REG_X4, UC_ARM64_REG_X5, UC_ARM64_REG_X6, UC_ARM64_REG_X7,
	UC_ARM64_REG_X8, UC_ARM64_REG_X9, UC_ARM64_REG_X10, UC_ARM64_REG_X11, UC_ARM64_REG_X12, UC_ARM64_REG_X13, UC_ARM64_REG_X14,
	UC_ARM64_REG_X15, UC_ARM64_REG_X16, UC_ARM64_REG_X17, UC_ARM64_REG_X18, UC_ARM64_REG_X19, UC_ARM64_REG_X20, UC_ARM64_REG_X21,
	UC_ARM64_REG_X22, UC_ARM64_REG_X23, UC_ARM64_REG_X24, UC_ARM64_REG_X25, UC_ARM64_REG_X26, UC_ARM64_REG_X27, UC_ARM64_REG_X28,
	UC_ARM64_REG_X29, UC_ARM64_REG_X30, UC_ARM64_REG_SP, UC_ARM64_REG_PC,
	UC_ARM64_REG_D8, UC_ARM64_REG_D9, UC_ARM64_REG_D10, UC_ARM64_REG_D11, UC_ARM64_REG_D12, UC_ARM64_REG_D13, UC_ARM64_REG_D14, UC_ARM64_REG_D15,
};

/* unicorn's own answers lack an x87 and MMX, without which libraries refuse to work; and what it says of AVX is more than it emulates. */
static int on_cpuid(uc_engine *uc, void *arg)
{
	static const struct { uint32_t leaf, regs[4]; } leaves[] = {
		{ 0, { 1, 0x68747541, 0x444d4163, 0x69746e65 } },  /* 1 leaf; "AuthenticAMD": of others glibc asks no more */
		{ 1, { 0x000306a0, 0, 0x00000201, 0x078bfbff } },  /* SSE3, SSSE3; what x86-64 has by definition */
		{ 0x80000000, { 0x80000001, 0, 0, 0 } },
		{ 0x80000001, { 0, 0, 1, 0x20100800 } },           /* LAHF; SYSCALL, NX, long mode */
	};
	static const int ids[4] = { UC_X86_REG_RAX, UC_X86_REG_RBX, UC_X86_REG_RCX, UC_X86_REG_RDX };
	uint64_t leaf = 0, values[4] = { 0 };

	(void)arg;
	uc_reg_read(uc, UC_X86_REG_RAX, &leaf);
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		for (size_t j = 0; j < 4 && leaves[i].leaf == (uint32_t)leaf; j++)
			values[j] = leaves[i].regs[j];
	for (size_t j = 0; j < 4; j++)
		uc_reg_write(uc, ids[j], &values[j]);
	return 1;                     /* done: the instruction is left out */
}

static bool prepare_x86_64(struct emulator *e)
{
	uc_hook hook;

	return uc_hook_add(e->uc, &hook, UC_HOOK_INSN, (void *)(uintptr_t)on_cpuid, e, 1, 0, UC_X86_INS_CPUID) == UC_ERR_OK;
}

static bool write_system_register(uc_engine *uc, uint32_t op1, uint32_t crn, uint32_t crm, uint32_t op2, uint64_t value)
{
	uc_arm64_cp_reg reg = { .op0 = 3, .op1 = op1, .crn = crn, .crm = crm, .op2 = op2, .val = value };

	return uc_reg_write(uc, UC_ARM64_REG_CP_REG, &reg) == UC_ERR_OK;
}

/* Signed return addresses, as Linux has them for programs: with the keys A and B, in bits 48 to 54 (Arm ARM, D13.2: SCR_EL3, HCR_EL2, SCTLR_EL1, TCR_EL1). */
static bool prepare_aarch64(struct emulator *e)
{
	/* What the emulator derives from these two it notices only when instructions write them. */
	static const uint32_t code[] = {
		0xd5381000,           /* mrs x0, sctlr_el1 */
		0xb2620400,           /* orr x0, x0, #0xc0000000: EnIA, EnIB */
		0xd5181000,           /* msr sctlr_el1, x0 */
		0xd5182041,           /* msr tcr_el1, x1 */
		0xd5033fdf,           /* isb */
	};
	const uint64_t at = UINT64_C(0x7fe000010000), key = UINT64_C(0x0123456789abcdef);
	/* Addresses of 48 bits; the top byte is ignored. */
	uint64_t tcr = 16 | 16 << 16 | UINT64_C(1) << 37;
	bool ok = uc_ctl_set_cpu_model(e->uc, UC_CPU_ARM64_MAX) == UC_ERR_OK;

	ok = ok && write_system_register(e->uc, 6, 1, 1, 0, 3 << 16 | 1 << 10 | 1) && write_system_register(e->uc, 4, 1, 1, 0, UINT64_C(3) << 40) &&
	     write_system_register(e->uc, 0, 2, 1, 0, key) && write_system_register(e->uc, 0, 2, 1, 1, ~key) &&
	     write_system_register(e->uc, 0, 2, 1, 2, key ^ ~key >> 7) && write_system_register(e->uc, 0, 2, 1, 3, key << 3);
	ok = ok && uc_mem_map(e->uc, at, EMULATOR_PAGE, UC_PROT_ALL) == UC_ERR_OK && uc_mem_write(e->uc, at, code, sizeof(code)) == UC_ERR_OK &&
	     uc_reg_write(e->uc, UC_ARM64_REG_X1, &tcr) == UC_ERR_OK && uc_emu_start(e->uc, at, at + sizeof(code), 0, 0) == UC_ERR_OK &&
	     uc_mem_unmap(e->uc, at, EMULATOR_PAGE) == UC_ERR_OK;
	for (int i = 0; i < 2; i++)
		uc_reg_write(e->uc, UC_ARM64_REG_X0 + i, &(uint64_t){ 0 });
	return ok;
}

static const struct processor processors[] = {
	{ WB_ARCH_X86_64, UC_ARCH_X86, UC_MODE_64, x86_64_regs, UC_X86_INS_SYSCALL, prepare_x86_64 },
	{ WB_ARCH_AARCH64, UC_ARCH_ARM64, UC_MODE_ARM, aarch64_regs, 0, prepare_aarch64 },
};

static const struct loader *const loaders[] = { &loader_elf, &loader_macho };

uint64_t emulator_reg(struct emulator *e, uint8_t index)
{
	uint64_t value = 0;

	uc_reg_read(e->uc, e->processor->regs[index], &value);
	return value;
}

void emulator_set_reg(struct emulator *e, uint8_t index, uint64_t value)
{
	uc_reg_write(e->uc, e->processor->regs[index], &value);
}

void emulator_end(struct emulator *e, int status)
{
	e->machine->has_ended = true;
	e->machine->status = status;
}

const char *emulator_path(const struct emulator *e, const char *path)
{
	static char full[4096];

	if (!e->root || path[0] != '/')
		return path;
	snprintf(full, sizeof(full), "%s%s", e->root, path);
	return access(full, R_OK) ? path : full;
}

/* ---- Execution ---- */

static void on_system(uc_engine *uc, void *arg)
{
	struct emulator *e = arg;

	e->wants_system = true;
	uc_emu_stop(uc);
}

static void on_exception(uc_engine *uc, uint32_t number, void *arg)
{
	(void)number;
	on_system(uc, arg);
}

/* Executes one instruction. */
static void execute(struct emulator *e)
{
	uint64_t pc = emulator_reg(e, e->machine->target->pc);
	uc_err err = uc_emu_start(e->uc, pc, UINT64_MAX, 0, 1);

	if (e->wants_system) {
		e->wants_system = false;
		linux_call(e);
		return;
	}
	if (err == UC_ERR_OK)
		return;
	e->has_faulted = true;
	if (err == UC_ERR_INSN_INVALID || err == UC_ERR_EXCEPTION) {
		fprintf(stderr, "truth: %s at %#llx: %s\n", e->program, (unsigned long long)pc, uc_strerror(err));
		e->pending |= UINT64_C(1) << (SIGILL - 1);
	} else {
		e->pending |= UINT64_C(1) << (SIGSEGV - 1);
	}
}

/* Whether a signal waits; then it is the machine's. */
static bool take_signal(struct emulator *e)
{
	uint64_t ready = e->pending & ~e->blocked;

	if (!ready || e->machine->has_ended)
		return false;
	e->machine->signal = __builtin_ctzll(ready) + 1;
	e->pending &= ~(ready & -ready);
	return true;
}

static enum moved outcome(struct emulator *e)
{
	if (e->machine->has_ended)
		return MOVED_END;
	if (e->has_faulted) {
		e->has_faulted = false;
		/* A fault that is blocked ends the program. */
		if (take_signal(e))
			return MOVED_SIGNAL;
		emulator_end(e, SIGSEGV);
		return MOVED_END;
	}
	return MOVED_STEP;
}

static enum moved step(struct machine *m)
{
	struct emulator *e = m->self;
	int signal = m->signal;

	if (m->has_ended)
		return MOVED_END;
	if (signal) {
		m->signal = 0;
		linux_signal(e, signal);
		return m->has_ended ? MOVED_END : MOVED_STEP;
	}
	if (take_signal(e))
		return MOVED_SIGNAL;
	execute(e);
	return outcome(e);
}

/* Step by step, too: unicorn may run past an address that it has translated before it was told to stop there. */
static enum moved run_to(struct machine *m, uint64_t address, uint64_t sp)
{
	struct emulator *e = m->self;
	enum moved moved = MOVED_STEP;

	while (moved == MOVED_STEP && (emulator_reg(e, m->target->pc) != address || (sp && emulator_reg(e, m->target->sp) != sp)))
		moved = step(m);
	return moved;
}

static void get_regs(struct machine *m, uint64_t regs[REGS_MAX])
{
	struct emulator *e = m->self;
	void *values[REGS_MAX];

	for (size_t i = 0; i < m->target->num_regs; i++)
		values[i] = &regs[i];
	uc_reg_read_batch(e->uc, (int *)(uintptr_t)e->processor->regs, values, m->target->num_regs);
}

static bool read_memory(struct machine *m, uint64_t address, void *buffer, size_t size)
{
	return emulator_read(m->self, address, buffer, size);
}

static void list(struct machine *m)
{
	struct emulator *e = m->self;

	for (size_t i = 0; i < e->num_areas; i++) {
		const struct area *area = &e->areas[i];

		machine_add_range(m, (struct range){ .start = area->start, .end = area->end, .file_offset = area->file_offset, .prot = area->prot },
		                  area->path);
	}
}

static void deinit(struct machine *m)
{
	struct emulator *e = m->self;

	for (size_t i = 0; i < EMULATOR_FILES; i++) {
		if (e->files[i] >= 0)
			close(e->files[i]);
		free(e->paths[i]);
	}
	emulator_drop_areas(e);
	if (e->uc)
		uc_close(e->uc);
	free(e->program);
	free(e);
}

/* ---- The start ---- */

static const struct loader *find_loader(const char *path, enum wb_arch *ret_arch)
{
	uint8_t bytes[64] = { 0 };
	FILE *file = fopen(path, "rb");
	size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

	if (file)
		fclose(file);
	for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]); i++) {
		*ret_arch = loaders[i]->probe(bytes, size);
		if (*ret_arch != WB_ARCH_UNKNOWN)
			return loaders[i];
	}
	return NULL;
}

static bool open_processor(struct emulator *e, enum wb_arch arch)
{
	uc_hook hook;

	for (size_t i = 0; i < sizeof(processors) / sizeof(processors[0]); i++)
		if (processors[i].arch == arch)
			e->processor = &processors[i];
	e->linux_abi = linux_abi_of(arch);
	if (!e->processor || !e->linux_abi || uc_open(e->processor->uc_arch, e->processor->uc_mode, &e->uc) != UC_ERR_OK)
		return false;
	if (e->processor->prepare && !e->processor->prepare(e))
		return false;
	if (e->processor->system_instruction)
		return uc_hook_add(e->uc, &hook, UC_HOOK_INSN, (void *)(uintptr_t)on_system, e, 1, 0, e->processor->system_instruction) == UC_ERR_OK;
	return uc_hook_add(e->uc, &hook, UC_HOOK_INTR, (void *)(uintptr_t)on_exception, e, 1, 0) == UC_ERR_OK;
}

static struct emulator *emulator_new(struct machine *m, const char *path, const char *root)
{
	struct emulator *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->machine = m;
	e->root = root;
	e->program = realpath(path, NULL);
	for (size_t i = 0; i < EMULATOR_FILES; i++)
		e->files[i] = -1;
	for (int i = 0; i < 3; i++)
		e->files[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	return e;
}

static const struct machine_ops ops = { deinit, get_regs, step, run_to, read_memory, list };

int machine_start_emulator(struct machine *m, char *const *arguments, bool from_entry, const char *root)
{
	enum wb_arch arch = WB_ARCH_UNKNOWN;
	const struct loader *loader = find_loader(arguments[0], &arch);
	struct loaded loaded;
	struct emulator *e;

	*m = (struct machine){ .is_stale = true, .pid = 1 };
	errno = ENOEXEC;
	if (!loader || !target_of(arch))
		return -1;
	e = emulator_new(m, arguments[0], root);
	if (!e)
		return -1;
	m->ops = &ops;
	m->target = target_of(arch);
	m->self = e;
	errno = ENOEXEC;
	if (!e->program || !open_processor(e, arch) || !loader->load(e, e->program, &loaded) || !loader->begin(e, &loaded, arguments))
		return -1;
	emulator_set_reg(e, m->target->pc, loaded.start);
	if (from_entry && run_to(m, loaded.entry, 0) != MOVED_STEP)
		return -1;
	return 0;
}
