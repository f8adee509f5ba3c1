/* SPDX-License-Identifier: MIT */
/*
 * The machine and the system of a minidump, and why it was made: Windows exceptions (ntstatus.h), Linux signals, Mach exceptions
 * (mach/exception_types.h).
 */
#include "formats/capture_minidump.h"
#include "formats/signals.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { ASSERTION_UNITS = 128, EXCEPTION_PARAMETERS = 15 };

static const char *keep_format(struct wb_minidump *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *keep_format(struct wb_minidump *m, const char *format, ...)
{
	struct wb_out out = { 0 };
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	wb_out_string(&out, text);
	return wb_minidump_keep_out(m, &out);
}

/* ---- The machine and its system ---- */

/* VER_PLATFORM_* of Windows, and Breakpad's. */
static const struct { uint32_t id; uint8_t os; const char *name; } systems[] = {
	{ 2, WB_OS_WINDOWS, "Windows NT" },
	{ 0x8101, WB_OS_MACOS, "Mac OS X" },
	{ 0x8102, WB_OS_MACOS, "iOS" },
	{ 0x8201, WB_OS_LINUX, "Linux" },
	{ 0x8202, WB_OS_UNKNOWN, "Solaris" },
	{ 0x8203, WB_OS_LINUX, "Android" },
	{ 0x8204, WB_OS_UNKNOWN, "PS3" },
	{ 0x8205, WB_OS_UNKNOWN, "NaCl" },
	{ 0x8206, WB_OS_UNKNOWN, "Fuchsia" },
};

static void name_system(struct wb_minidump *m)
{
	m->dump.os_name = "unknown";
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
		if (systems[i].id != m->platform_id)
			continue;
		m->platform.os = systems[i].os;
		m->dump.os_name = systems[i].name;
	}
}

/* "GenuineIntel family 6 model 13 stepping 8": the vendor where the dump has CPUID's answer. */
static const char *describe_cpu(struct wb_minidump *m, uint16_t level, uint16_t revision, const uint8_t *cpuid)
{
	bool is_x86 = m->platform.arch == WB_ARCH_X86 || m->platform.arch == WB_ARCH_X86_64;
	char vendor[14] = "";

	if (!is_x86)
		return "";
	for (unsigned i = 0; i < 12 && m->platform.arch == WB_ARCH_X86; i++)
		vendor[i] = cpuid[i] >= 0x20 && cpuid[i] < 0x7f ? (char)cpuid[i] : '\0';
	return keep_format(m, "%s%sfamily %u model %u stepping %u", vendor, *vendor ? " " : "", level, (unsigned)revision >> 8, revision & 0xffu);
}

/* What uname(1) says, without the system's and the machine's names at its ends. */
static const char *linux_version(struct wb_minidump *m, const char *text)
{
	static const char system[] = "Linux ";
	const char *machine = strrchr(text, ' ');
	enum wb_arch arch;

	if (!strncmp(text, system, sizeof(system) - 1))
		text += sizeof(system) - 1;
	if (machine <= text || wb_arch_from_name(machine + 1, &arch))
		return text;
	return keep_format(m, "%.*s", (int)(machine - text), text);
}

enum wb_err wb_minidump_read_system(struct wb_minidump *m, struct wb_bytes *b)
{
	uint32_t major, minor, build, service_pack;
	uint16_t level, revision;
	const uint8_t *cpuid;
	const char *pack;
	enum wb_err err;

	m->cpu = wb_bytes_u16(b);
	level = wb_bytes_u16(b);
	revision = wb_bytes_u16(b);
	m->dump.num_cpus = wb_bytes_u8(b);
	wb_bytes_skip(b, 1);
	major = wb_bytes_u32(b);
	minor = wb_bytes_u32(b);
	build = wb_bytes_u32(b);
	m->platform_id = wb_bytes_u32(b);
	service_pack = wb_bytes_u32(b);
	wb_bytes_skip(b, 4);
	cpuid = wb_bytes_take(b, 24);
	if (!cpuid)
		return wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "the system information is too short");
	m->platform.arch = wb_minidump_arch(m->cpu);
	if (!m->platform.arch)
		wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_UNSUPPORTED, UINT64_MAX, "of a processor that is not understood");
	name_system(m);
	err = wb_minidump_string(m, service_pack, &pack);
	if (err)
		return err;
	/* Breakpad has no numbers for Linux: its text says it all. */
	if (m->platform.os == WB_OS_LINUX && !major && !minor && !build)
		m->dump.os_version = linux_version(m, pack);
	else
		m->dump.os_version = keep_format(m, "%u.%u.%u%s%s", major, minor, build, *pack ? " " : "", pack);
	if (m->platform.os == WB_OS_LINUX && m->dump.os_version)
		m->os_release = m->dump.os_version;
	m->dump.cpu_info = describe_cpu(m, level, revision, cpuid);
	return m->dump.os_version && m->dump.cpu_info ? WB_OK : WB_ERR_MEMORY;
}

enum wb_err wb_minidump_read_misc(struct wb_minidump *m, struct wb_bytes *b)
{
	uint32_t flags;

	wb_bytes_skip(b, 4);
	flags = wb_bytes_u32(b);
	if (flags & 1)
		m->pid = wb_bytes_u32(b);
	else
		wb_bytes_skip(b, 4);
	if (flags & 2)
		m->dump.created_s = wb_bytes_u32(b);
	return WB_OK;
}

/* ---- Reasons ---- */

struct name { uint32_t code; const char *name; };

static const char *name_of(const struct name *names, size_t count, uint32_t code)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].code == code)
			return names[i].name;
	return NULL;
}
#define NAME_OF(names, code) name_of(names, sizeof(names) / sizeof((names)[0]), code)

static const struct name exceptions[] = {
	{ 0x40010005, "DBG_CONTROL_C" }, { 0x40010008, "DBG_CONTROL_BREAK" }, { 0x406d1388, "MS_VC_EXCEPTION" },
	{ 0x80000001, "EXCEPTION_GUARD_PAGE" }, { 0x80000002, "EXCEPTION_DATATYPE_MISALIGNMENT" }, { 0x80000003, "EXCEPTION_BREAKPOINT" },
	{ 0x80000004, "EXCEPTION_SINGLE_STEP" }, { 0xc0000005, "EXCEPTION_ACCESS_VIOLATION" }, { 0xc0000006, "EXCEPTION_IN_PAGE_ERROR" },
	{ 0xc0000008, "EXCEPTION_INVALID_HANDLE" }, { 0xc000000d, "STATUS_INVALID_PARAMETER" }, { 0xc0000017, "STATUS_NO_MEMORY" }, { 0xc000001d, "EXCEPTION_ILLEGAL_INSTRUCTION" },
	{ 0xc0000025, "EXCEPTION_NONCONTINUABLE_EXCEPTION" }, { 0xc0000026, "EXCEPTION_INVALID_DISPOSITION" },
	{ 0xc000008c, "EXCEPTION_BOUNDS_EXCEEDED" }, { 0xc000008d, "EXCEPTION_FLT_DENORMAL_OPERAND" },
	{ 0xc000008e, "EXCEPTION_FLT_DIVIDE_BY_ZERO" }, { 0xc000008f, "EXCEPTION_FLT_INEXACT_RESULT" },
	{ 0xc0000090, "EXCEPTION_FLT_INVALID_OPERATION" }, { 0xc0000091, "EXCEPTION_FLT_OVERFLOW" }, { 0xc0000092, "EXCEPTION_FLT_STACK_CHECK" },
	{ 0xc0000093, "EXCEPTION_FLT_UNDERFLOW" }, { 0xc0000094, "EXCEPTION_INT_DIVIDE_BY_ZERO" }, { 0xc0000095, "EXCEPTION_INT_OVERFLOW" },
	{ 0xc0000096, "EXCEPTION_PRIV_INSTRUCTION" }, { 0xc00000fd, "EXCEPTION_STACK_OVERFLOW" }, { 0xc000013a, "STATUS_CONTROL_C_EXIT" },
	{ 0xc0000194, "EXCEPTION_POSSIBLE_DEADLOCK" }, { 0xc0000374, "STATUS_HEAP_CORRUPTION" }, { 0xc0000409, "STATUS_STACK_BUFFER_OVERRUN" },
	{ 0xc0000417, "STATUS_INVALID_CRUNTIME_PARAMETER" }, { 0xc0000420, "STATUS_ASSERTION_FAILURE" }, { 0xc0000602, "STATUS_FAIL_FAST_EXCEPTION" },
	{ 0xe06d7363, "Unhandled C++ Exception" }, { 0xe0000008, "OUT_OF_MEMORY" }, { 0x0517a7ed, "Simulated Exception" },
};

static const struct name mach_exceptions[] = {
	{ 1, "EXC_BAD_ACCESS" }, { 2, "EXC_BAD_INSTRUCTION" }, { 3, "EXC_ARITHMETIC" }, { 4, "EXC_EMULATION" }, { 5, "EXC_SOFTWARE" },
	{ 6, "EXC_BREAKPOINT" }, { 7, "EXC_SYSCALL" }, { 8, "EXC_MACH_SYSCALL" }, { 9, "EXC_RPC_ALERT" }, { 10, "EXC_CRASH" },
	{ 11, "EXC_RESOURCE" }, { 12, "EXC_GUARD" }, { 13, "EXC_CORPSE_NOTIFY" }, { 0x43507378, "Simulated Exception" },
};

/* By exception << 16 | code. */
static const struct name mach_codes[] = {
	{ 0x10001, "KERN_INVALID_ADDRESS" }, { 0x10002, "KERN_PROTECTION_FAILURE" }, { 0x10008, "KERN_NO_ACCESS" }, { 0x1000a, "KERN_MEMORY_FAILURE" },
	{ 0x1000f, "KERN_MEMORY_ERROR" }, { 0x10032, "KERN_CODESIGN_ERROR" }, { 0x50003, "SIGABRT" }, { 0x50002, "UNCAUGHT_NS_EXCEPTION" },
};

/* What an access violation tried: its first parameter (EXCEPTION_RECORD in winnt.h). */
static const char *access_of(uint64_t kind)
{
	switch (kind) {
	case 0: return "_READ";
	case 1: return "_WRITE";
	case 8: return "_EXEC";
	default: return "";
	}
}

static const char *windows_reason(struct wb_minidump *m, const uint64_t *parameters, uint32_t count)
{
	uint32_t code = m->dump.crash_code;
	const char *name = NAME_OF(exceptions, code);

	if (!name)
		return keep_format(m, "exception 0x%08" PRIx32, code);
	if ((code != 0xc0000005 && code != 0xc0000006) || !count)
		return name;
	return keep_format(m, "%s%s", name, access_of(parameters[0]));
}

static const char *signal_reason(struct wb_minidump *m)
{
	enum { DUMP_REQUESTED = -1 }; /* Breakpad's: there was no signal */
	int32_t signal = (int32_t)m->dump.crash_code, code = (int32_t)m->dump.crash_detail;
	const char *name = signal == DUMP_REQUESTED ? "DUMP_REQUESTED" : wb_signal_name(signal), *why;

	if (!name)
		return keep_format(m, "signal %" PRIu32, m->dump.crash_code);
	why = code ? wb_signal_code_name(signal, code) : NULL;
	return why ? keep_format(m, "%s / %s", name, why) : name;
}

static const char *mach_reason(struct wb_minidump *m)
{
	uint32_t code = m->dump.crash_code, detail = m->dump.crash_detail;
	const char *name = NAME_OF(mach_exceptions, code), *why;

	if (!name)
		return keep_format(m, "Mach exception 0x%" PRIx32, code);
	why = code < 0x100 && detail < 0x10000 ? NAME_OF(mach_codes, code << 16 | detail) : NULL;
	return why ? keep_format(m, "%s / %s", name, why) : keep_format(m, "%s / 0x%08" PRIx32, name, detail);
}

static const char *reason_of(struct wb_minidump *m, const uint64_t *parameters, uint32_t count)
{
	switch (m->platform.os) {
	case WB_OS_WINDOWS:
		m->dump.crash_kind = WB_CRASH_EXCEPTION;
		return windows_reason(m, parameters, count);
	case WB_OS_LINUX:
		m->dump.crash_kind = WB_CRASH_SIGNAL;
		return signal_reason(m);
	case WB_OS_MACOS:
		m->dump.crash_kind = WB_CRASH_MACH;
		return mach_reason(m);
	default:
		return keep_format(m, "exception 0x%08" PRIx32, m->dump.crash_code);
	}
}

enum wb_err wb_minidump_read_exception(struct wb_minidump *m, struct wb_bytes *b)
{
	uint64_t parameters[EXCEPTION_PARAMETERS];
	uint32_t count;
	bool is_access;

	m->crash_tid = wb_bytes_u32(b);
	m->has_crash_tid = true;
	wb_bytes_skip(b, 4);
	m->dump.crash_code = wb_bytes_u32(b);
	m->dump.crash_detail = wb_bytes_u32(b);
	wb_bytes_skip(b, 8);
	m->dump.crash_address = wb_bytes_u64(b);
	count = wb_bytes_u32(b);
	wb_bytes_skip(b, 4);
	for (unsigned i = 0; i < EXCEPTION_PARAMETERS; i++)
		parameters[i] = wb_bytes_u64(b);
	m->crash_context.size = wb_bytes_u32(b);
	m->crash_context.offset = wb_bytes_u32(b);
	if (wb_bytes_failed(b)) {
		m->crash_context.size = 0;
		return wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "the exception is too short");
	}
	/* The exception's address is that of the instruction; of an access, its second parameter is what could not be accessed. */
	is_access = m->platform.os == WB_OS_WINDOWS && (m->dump.crash_code == 0xc0000005 || m->dump.crash_code == 0xc0000006);
	if (is_access && count >= 2)
		m->dump.crash_address = parameters[1];
	if (m->platform.arch == WB_ARCH_X86 || m->platform.arch == WB_ARCH_ARM)
		m->dump.crash_address &= UINT32_MAX; /* some writers extend the sign */
	m->dump.crash_type = reason_of(m, parameters, count);
	if (!m->dump.crash_type)
		return WB_ERR_MEMORY;
	/* Of a signal that was sent, the same bytes say by whom. */
	m->dump.has_crash_address = m->dump.crash_kind != WB_CRASH_SIGNAL || wb_signal_has_address((int32_t)m->dump.crash_code, 1);
	m->crash_reason = m->dump.has_crash_address ? keep_format(m, "%s at 0x%" PRIx64, m->dump.crash_type, m->dump.crash_address) :
	                  m->dump.crash_type;
	return m->crash_reason ? WB_OK : WB_ERR_MEMORY;
}

enum wb_err wb_minidump_read_breakpad(struct wb_minidump *m, struct wb_bytes *b)
{
	uint32_t valid = wb_bytes_u32(b), dump_tid = wb_bytes_u32(b), crash_tid = wb_bytes_u32(b);

	if (wb_bytes_failed(b))
		return WB_OK;
	m->has_dump_tid = valid & 1;
	m->dump_tid = dump_tid;
	/* Who asked for the dump; an exception says more. */
	m->has_crash_tid = (valid & 2) != 0;
	m->crash_tid = crash_tid;
	return WB_OK;
}

static enum wb_err take_text(struct wb_minidump *m, struct wb_bytes *b, const char **ret_text)
{
	struct wb_bytes units = wb_bytes_sub(b, ASSERTION_UNITS * 2);
	struct wb_out out = { 0 };

	wb_minidump_utf16(&units, ASSERTION_UNITS, &out);
	*ret_text = wb_minidump_keep_out(m, &out);
	return *ret_text ? WB_OK : WB_ERR_MEMORY;
}

enum wb_err wb_minidump_read_assertion(struct wb_minidump *m, struct wb_bytes *b)
{
	const char *expression, *function, *file;
	enum wb_err err = take_text(m, b, &expression);
	uint32_t line;

	if (!err)
		err = take_text(m, b, &function);
	if (!err)
		err = take_text(m, b, &file);
	if (err)
		return err;
	line = wb_bytes_u32(b);
	if (!*expression && !*function)
		return WB_OK;
	m->dump.assertion = keep_format(m, "%s%s%s%s%s%s%.0u", expression, *function ? " in " : "", function, *file ? " at " : "", file,
	                                line ? ":" : "", line);
	return m->dump.assertion ? WB_OK : WB_ERR_MEMORY;
}
