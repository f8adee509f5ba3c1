/* SPDX-License-Identifier: MIT */
/* The table of targets. */
#include "target.h"

static const struct target *const targets[] = { &target_aarch64, &target_x86_64 };

const struct target *target_of(enum wb_arch arch)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (targets[i]->platform.arch == arch)
			return targets[i];
	return NULL;
}
