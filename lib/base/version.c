// SPDX-License-Identifier: MIT
// The version of the library that is loaded, as opposed to the headers compiled against.

#include "config.h"

__attribute__((visibility("default"))) const char *wb_version(void);

const char *wb_version(void)
{
    return WB_VERSION;
}
