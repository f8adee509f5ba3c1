/* SPDX-License-Identifier: MIT */
/*
 * Runs a command a number of times and prints the least CPU time (user + system, microsecond clock), the least elapsed time and
 * the peak memory of its largest process. CPU time is that of all processes which it starts, also of those that it leaves behind
 * without waiting, as perf script does with its addr2line. The command's standard input is a file, its standard output goes to a
 * temporary file, as a user's would; its standard error is dropped.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct cost {
	double cpu, elapsed; /* seconds */
	double peak_mb;
};

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

static double clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void become(char **command, const char *input, int out)
{
	int in = open(input, O_RDONLY), null = open("/dev/null", O_WRONLY);

	if (ftruncate(out, 0) != 0 || lseek(out, 0, SEEK_SET) != 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0)
		_exit(126);
	execvp(command[0], command);
	_exit(127);
}

/* Waits for one process and adds what it and those that it waited for have used; false if there is none. */
static bool reap(pid_t pid, int *ret_status, struct cost *cost)
{
	struct rusage usage;
	double peak_mb;

	if (wait4(pid, ret_status, 0, &usage) < 0)
		return false;
	cost->cpu += seconds(usage.ru_utime) + seconds(usage.ru_stime);
	peak_mb = (double)usage.ru_maxrss / 1024;
	if (peak_mb > cost->peak_mb)
		cost->peak_mb = peak_mb;
	return true;
}

/* 0 or -1 if the command could not be run or failed. */
static int run_once(char **command, const char *input, int out, struct cost *ret_cost)
{
	struct cost cost = { 0 };
	double start = clock_now();
	int status, ignored;
	pid_t pid = fork();

	if (pid == 0)
		become(command, input, out);
	if (pid < 0 || !reap(pid, &status, &cost) || status != 0)
		return -1;
	cost.elapsed = clock_now() - start;
	while (reap(-1, &ignored, &cost))
		;
	*ret_cost = cost;
	return 0;
}

int main(int argc, char **argv)
{
	struct cost best = { 0 }, cost;
	bool has_input = argc > 2 && strcmp(argv[1], "-i") == 0;
	const char *input = has_input ? argv[2] : "/dev/null";
	int runs = 0;
	FILE *out = tmpfile();

	argv += has_input ? 3 : 1;
	if (argv[0] && argv[1])
		runs = atoi(argv[0]);
	if (runs < 1 || !out) {
		fprintf(stderr, "usage: bench_run [-i INPUT] RUNS COMMAND [ARGUMENT...]   prints: CPU seconds, elapsed seconds, peak MB\n");
		return 2;
	}
	/* Orphans become children of this process. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		return 1;
	for (int i = 0; i < runs; i++) {
		if (run_once(argv + 1, input, fileno(out), &cost) != 0)
			return 1;
		if (i == 0 || cost.cpu < best.cpu)
			best.cpu = cost.cpu;
		if (i == 0 || cost.elapsed < best.elapsed)
			best.elapsed = cost.elapsed;
		if (cost.peak_mb > best.peak_mb)
			best.peak_mb = cost.peak_mb;
	}
	printf("%.4f\t%.4f\t%.1f\n", best.cpu, best.elapsed, best.peak_mb);
	return 0;
}
