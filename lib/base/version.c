/* SPDX-License-Identifier: MIT */
/* What this build of the library is, as opposed to the headers that its caller was compiled against. */
#include <walkback/base.h>

#include "config.h"

const char *wb_version(void)
{
	return WB_VERSION;
}

const char *wb_features(void)
{
	return WB_FEATURES;
}
