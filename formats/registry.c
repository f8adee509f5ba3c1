/* SPDX-License-Identifier: MIT */
/* The tables of formats: to add one is a file and a line here. The order is that of the probes. */
#include "formats/capture.h"
#include "formats/image_formats.h"

const struct wb_image_format *const wb_image_formats[] = {
	&wb_image_format_elf,
	&wb_image_format_macho,
	&wb_image_format_macho_fat,
	&wb_image_format_macho_archive,
	&wb_image_format_pe,
	&wb_image_format_zip,
	&wb_image_format_breakpad,
	&wb_image_format_kallsyms,
	&wb_image_format_perf_map,
	NULL,
};

const struct wb_capture_format *const wb_capture_formats[] = {
	&wb_capture_format_perf,
	&wb_capture_format_core,
	&wb_capture_format_minidump,
	&wb_capture_format_snapshot,
	NULL,
};
