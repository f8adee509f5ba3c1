/* SPDX-License-Identifier: MIT */
/* The table of architectures and the look-ups by name. */
#include "model/arch.h"

#include <string.h>

static const struct wb_arch_info *const archs[] = {
	[WB_ARCH_X86_64] = &wb_arch_x86_64,
	[WB_ARCH_X86] = &wb_arch_x86,
	[WB_ARCH_AARCH64] = &wb_arch_aarch64,
	[WB_ARCH_ARM] = &wb_arch_arm,
	[WB_ARCH_RISCV64] = &wb_arch_riscv64,
	[WB_ARCH_PPC64] = &wb_arch_ppc64,
	[WB_ARCH_S390X] = &wb_arch_s390x,
};

static const struct { const char *name; enum wb_arch arch; } arch_names[] = {
	/* The first of an architecture is its name here; the others are accepted. */
	{ "x86_64", WB_ARCH_X86_64 }, { "amd64", WB_ARCH_X86_64 }, { "x86-64", WB_ARCH_X86_64 },
	{ "x86", WB_ARCH_X86 }, { "i386", WB_ARCH_X86 }, { "i486", WB_ARCH_X86 }, { "i586", WB_ARCH_X86 }, { "i686", WB_ARCH_X86 },
	{ "aarch64", WB_ARCH_AARCH64 }, { "arm64", WB_ARCH_AARCH64 },
	{ "arm", WB_ARCH_ARM }, { "armv7l", WB_ARCH_ARM }, { "armv6l", WB_ARCH_ARM }, { "armv8l", WB_ARCH_ARM },
	{ "riscv64", WB_ARCH_RISCV64 },
	{ "ppc64", WB_ARCH_PPC64 }, { "ppc64le", WB_ARCH_PPC64 },
	{ "s390x", WB_ARCH_S390X },
};

enum { NUM_ARCHS = sizeof(archs) / sizeof(archs[0]), NUM_NAMES = sizeof(arch_names) / sizeof(arch_names[0]) };

const struct wb_arch_info *wb_arch_info(enum wb_arch arch)
{
	return (unsigned)arch < NUM_ARCHS ? archs[arch] : NULL;
}

const char *wb_arch_name(enum wb_arch arch)
{
	for (size_t i = 0; i < NUM_NAMES; i++)
		if (arch_names[i].arch == arch)
			return arch_names[i].name;
	return "unknown";
}

enum wb_err wb_arch_from_name(const char *name, enum wb_arch *ret_arch)
{
	if (!name || !ret_arch)
		return WB_ERR_ARGUMENT;
	for (size_t i = 0; i < NUM_NAMES; i++) {
		if (strcmp(arch_names[i].name, name))
			continue;
		*ret_arch = arch_names[i].arch;
		return WB_OK;
	}
	return WB_NONE;
}

const char *wb_reg_name(enum wb_arch arch, uint32_t number)
{
	const struct wb_arch_info *info = wb_arch_info(arch);
	uint8_t slot = info ? wb_arch_slot(info, number) : (uint8_t)WB_SLOT_NONE;

	return slot == WB_SLOT_NONE ? NULL : info->regs[slot].name;
}

enum wb_err wb_reg_from_name(enum wb_arch arch, const char *name, uint32_t *ret_number)
{
	const struct wb_arch_info *info = wb_arch_info(arch);

	if (!name || !ret_number)
		return WB_ERR_ARGUMENT;
	for (size_t i = 0; info && i < info->num_regs; i++) {
		if (strcmp(info->regs[i].name, name))
			continue;
		*ret_number = info->regs[i].number;
		return WB_OK;
	}
	for (const struct wb_arch_alias *alias = info ? info->aliases : NULL; alias && alias->name; alias++) {
		if (strcmp(alias->name, name))
			continue;
		*ret_number = info->regs[alias->slot].number;
		return WB_OK;
	}
	return WB_NONE;
}
