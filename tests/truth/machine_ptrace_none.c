/* SPDX-License-Identifier: MIT */
/* Where processes cannot be traced, or their instructions are not told apart. */
#include "machine.h"

#include <errno.h>

int machine_start_ptrace(struct machine *machine, char *const *arguments, bool from_entry)
{
	(void)arguments;
	(void)from_entry;
	*machine = (struct machine){ .ops = NULL };
	errno = ENOSYS;
	return -1;
}
