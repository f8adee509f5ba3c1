/* SPDX-License-Identifier: MIT */
/*
 * Architectures as data. Everything above knows registers by *slot*: a small dense number per architecture, so that sets of registers are
 * 64-bit masks.
 *
 * To add an architecture:
 *  1. add its enumerator to enum wb_arch and its names to the table in arch.c;
 *  2. write arch_<name>.c: the register table (name, DWARF number; the slot is the index), the roles, the callee-saved mask, the red zone,
 *     the leaf and frame-pointer conventions, and the order of its registers in perf samples and in cores;
 *  3. declare it below, add it to the table in arch.c and the file to meson.build;
 *  4. if code is to be read: lib/unwind/code_<name>.c, its decoder and its descriptor, and its line in code_reader.c.
 * Nothing else in lib/ may need a change; if it does, the descriptor lacks a member.
 */
#ifndef MODEL_ARCH_H
#define MODEL_ARCH_H

#include <walkback/base.h>

#include <stdbool.h>

enum {
	WB_SLOTS_MAX = 64,            /* slots of an architecture: fit a mask */
	WB_SLOT_NONE = 0xff,
};

struct wb_arch_reg {
	const char *name;             /* as the ABI's documents and debuggers call it */
	uint32_t number;              /* DWARF number, or WB_REG_PC */
};

struct wb_arch_alias { const char *name; uint8_t slot; };

/* Code that handlers of signals return to, where systems give it no unwind information: told by its instructions. */
struct wb_trampoline {
	uint8_t code[16];
	uint8_t size;                 /* bytes of code */
	uint8_t step;                 /* bytes of its first instruction, after which it may be interrupted too; 0: it is the only one */
	uint16_t saved;               /* bytes from SP to the registers of what was interrupted */
};

/* Where the return address of a frame is by convention. */
struct wb_convention {
	uint8_t cfa_base;             /* slot that the CFA counts from; WB_SLOT_NONE: there is no such convention */
	uint8_t ra_in_register;       /* 1: the return address is in slot `ra_slot`; 0: in memory at CFA + ra_offset */
	uint8_t ra_slot;
	int16_t cfa_offset;           /* bytes */
	int16_t ra_offset;            /* bytes from the CFA */
	int16_t fp_offset;            /* bytes from the CFA; 0: the frame pointer is unchanged */
	uint8_t cfa_is_bound;         /* 1: the frame ends at this "CFA" or above: the caller's SP is unknown */
};

/* What Go's runtime does on the architecture, beyond what its tables say. */
struct wb_arch_go {
	bool keeps_fp;                /* frame pointers, like C */
	bool handler_by_hand;         /* runtime.sigtramp lays its frame out as C does; elsewhere as Go */
	uint8_t c_link;               /* bytes from the CFA to where such functions save the return address; 0: nothing tells */
	uint8_t pushed;               /* bytes that a signal handler pushes with the link register when it injects a call; 0: calls push anyway */
	uint8_t resume_slot;          /* where an injected function, once it gave them back, has the pc that it goes on at; WB_SLOT_NONE */
	uint8_t signal_offset;        /* bytes from SP to the registers that a signal saved, where its handler returns to */
	uint8_t num_signal_saved;     /* 0: Go has no such code here, but the system has */
	const uint8_t *signal_saved;  /* their slots, a word each; WB_SLOT_NONE: something else */
};

struct wb_arch_info {
	enum wb_arch arch;
	const char *name;
	const struct wb_arch_reg *regs; /* index: slot */
	uint8_t num_regs;             /* at most WB_SLOTS_MAX */
	uint8_t word_size;            /* bytes of an address: 4 or 8 */
	uint8_t pc, sp, fp;           /* slots */
	uint8_t ra_column;            /* slot that a CIE's usual return address column means (x86: pc; aarch64: x30) */
	uint8_t call_step;            /* bytes from a return address back into the call: 1 where instructions vary in length */
	uint8_t stack_align;          /* of saved words and frame pointers, bytes */
	uint16_t red_zone;            /* bytes below SP that signal delivery leaves alone */
	uint8_t cfa_above_sp;         /* bytes from a caller's SP up to the CFA; 0 nearly everywhere */
	uint8_t linkage;              /* bytes from the CFA up, the bottom of the caller's frame, where a return address may be saved */
	bool signs_return_addresses;  /* DW_CFA 0x2d tells where return addresses are signed; elsewhere it saves register windows */
	uint64_t callee_saved;        /* slots that a function keeps (the ABI's default rule is "same") */
	struct wb_convention leaf;    /* at a function's first instruction */
	struct wb_convention frame;   /* once the frame pointer is set up */
	const struct wb_arch_alias *aliases; /* further names of registers; ends with NULL */
	const struct wb_trampoline *trampolines;
	uint32_t num_trampolines;     /* 0: none is known */
	const uint8_t *signal_regs;   /* slot by word of the registers that a signal saved; WB_SLOT_NONE: ignored */
	uint32_t num_signal_regs;
	const struct wb_arch_go *go;  /* NULL: Go's stacks are not known */
	const uint8_t *slot_of_dwarf; /* by DWARF number; WB_SLOT_NONE: not modelled */
	uint32_t num_dwarf;
	const uint8_t *perf_regs;     /* slot by bit of perf's sample_regs_user (arch/.../perf_regs.h); WB_SLOT_NONE: ignored */
	uint32_t num_perf_regs;
	const uint8_t *core_regs;     /* slot by word of the registers in a core's NT_PRSTATUS (elf_gregset_t); WB_SLOT_NONE: ignored */
	uint32_t num_core_regs;       /* words that must be there; 0: cores are not known */
	uint64_t address_mask;        /* bits of an address: ~0 or 0xffffffff */
	uint64_t code_bits;           /* bits of code addresses that are not of the address, but tell how the code is to be executed */
	const uint8_t *address_bits;  /* sizes that addresses may have, by configuration, growing up to 0; NULL: nothing is in the bits above them */
	uint8_t signature_end;        /* the bit behind the signatures of return addresses, which begin where addresses end */
};

extern const struct wb_arch_info wb_arch_aarch64, wb_arch_arm, wb_arch_ppc64, wb_arch_riscv64, wb_arch_s390x, wb_arch_x86, wb_arch_x86_64;

/* A code address without the bits of mask, which are copies of bit 55: that tells the two halves of an address space apart (Arm ARM, D8.8). */
static inline uint64_t wb_address_strip(uint64_t address, uint64_t mask)
{
	return address >> 55 & 1 ? address | mask : address & ~mask;
}

/* NULL if the architecture is not supported. */
const struct wb_arch_info *wb_arch_info(enum wb_arch arch);
/* The slot of a DWARF register number or WB_REG_PC; WB_SLOT_NONE if not modelled. */
static inline uint8_t wb_arch_slot(const struct wb_arch_info *arch, uint32_t number)
{
	if (number < arch->num_dwarf)
		return arch->slot_of_dwarf[number];
	return number == WB_REG_PC ? arch->pc : (uint8_t)WB_SLOT_NONE;
}

#endif
