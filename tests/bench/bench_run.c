/* SPDX-License-Identifier: MIT */
/*
 * Runs a command a number of times and prints the least CPU time (user + system, microsecond clock), the least elapsed time and
 * the peak memory. The command's standard output goes to a temporary file, as a user's would; its standard error is dropped.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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

static void become(char **command, int out)
{
	int null = open("/dev/null", O_RDWR);

	if (ftruncate(out, 0) != 0 || lseek(out, 0, SEEK_SET) != 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0)
		_exit(126);
	execvp(command[0], command);
	_exit(127);
}

/* 0 or -1 if the command could not be run or failed. */
static int run_once(char **command, int out, struct cost *ret_cost)
{
	double start = clock_now();
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		become(command, out);
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0)
		return -1;
	ret_cost->cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
	ret_cost->elapsed = clock_now() - start;
	ret_cost->peak_mb = (double)usage.ru_maxrss / 1024;
	return 0;
}

int main(int argc, char **argv)
{
	struct cost best = { 0 }, cost;
	int runs = argc > 2 ? atoi(argv[1]) : 0;
	FILE *out = tmpfile();

	if (runs < 1 || !out) {
		fprintf(stderr, "usage: bench_run RUNS COMMAND [ARGUMENT...]   prints: CPU seconds, elapsed seconds, peak MB\n");
		return 2;
	}
	for (int i = 0; i < runs; i++) {
		if (run_once(argv + 2, fileno(out), &cost) != 0)
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
