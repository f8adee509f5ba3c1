/* SPDX-License-Identifier: MIT */
/* Lines on standard error. Each is written at once, so that those of several threads do not mix. */
#include "report.h"

#include "options.h"
#include "progress.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_SIZE = 4096 };

static void print_line(struct wb_report *report, const char *text)
{
	char line[LINE_SIZE + 16];
	int length = snprintf(line, sizeof(line), "walkback: %s\n", text);

	if (length <= 0)
		return;
	if ((size_t)length >= sizeof(line))
		length = (int)sizeof(line) - 1;
	/* Names in it come from captures and objects: one line stays one line. */
	for (int i = 0; i < length - 1; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	wb_progress_clear(report->progress);
	fwrite(line, 1, (size_t)length, stderr);
}

void wb_report_diag(void *arg, const struct wb_diag *diag)
{
	struct wb_report *report = arg;
	char text[LINE_SIZE];

	if (diag->code == WB_DIAG_FILE_UNVERIFIED) {
		atomic_fetch_add(&report->unverified, 1);
		return;
	}
	if (diag->code == WB_DIAG_FILE_MISMATCHED) {
		atomic_fetch_add(&report->mismatched, 1);
		if (!report->named)
			return;
	}
	if (diag->severity == WB_SEVERITY_ERROR)
		atomic_fetch_add(&report->errors, 1);
	else if (report->quiet || diag->severity == WB_SEVERITY_NOTE)
		return;
	wb_diag_format(diag, text, sizeof(text));
	print_line(report, text);
}

void wb_report_line(struct wb_report *report, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_line(report, text);
}

int wb_report_failure(struct wb_report *report, const char *name, enum wb_err err)
{
	if (!atomic_load(&report->errors))
		wb_report_line(report, "%s: %s", name, wb_err_text(err));
	return WB_EXIT_FAILED;
}
