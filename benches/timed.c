/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs a program and says what it took: as a whole and, where told, inside one of
 * its functions, which may be in any program that has symbols. x86-64, Linux.
 *
 *	timed OUT FUNCTION FROM TO AGAIN ROUNDS COMMAND [ARG ...]
 *
 * FUNCTION: address of the function as its symbol has it, 0: none. Breakpoints stop
 * its thread where it begins and where it returns, and where FROM and then TO begin
 * first within it (0: not asked for); nothing else differs.
 * AGAIN: address of a function that is then called ROUNDS times with the first
 * argument of FUNCTION; after that the program is killed. 0: it goes on.
 *
 * OUT gets a line for each: "whole WALL CPU PEAK STATUS"; "inside WALL CPU PEAK",
 * "part WALL CPU PEAK" and "again WALL CPU PEAK", where CPU is that of the thread
 * alone. Nanoseconds, PEAK: kB of the whole process so far.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef __x86_64__
#error "breakpoints are written for x86-64"
#endif

enum { BREAK = 0xcc };

/* Breakpoints. */
enum { ENTER, LEAVE, FROM, TO, STOPS };

struct stop {
	uint64_t	addr;
	long		was;	/* the word there */
	int		armed;
};

struct at {
	uint64_t	wall, cpu, peak;
};

static struct stop stops[STOPS];
static pid_t pid;
static FILE *out;

static void die(const char *what)
{
	fprintf(stderr, "timed: %s: %s\n", what, strerror(errno));
	if (pid > 0)
		kill(pid, SIGKILL);
	exit(125);
}

/* The first line of a file of the process that begins with `key`, behind it. */
static int proc(const char *file, const char *key, char *line, int size)
{
	char path[64];
	FILE *f;
	int found = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	f = fopen(path, "r");
	if (!f)
		die(path);
	while (!found && fgets(line, size, f))
		found = !strncmp(line, key, strlen(key));
	fclose(f);
	return found;
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct at now(void)
{
	struct at a = { 0, 0, 0 };
	char line[512], file[64];

	a.wall = clock_ns();
	snprintf(file, sizeof(file), "task/%d/schedstat", pid);
	if (proc(file, "", line, sizeof(line)))
		a.cpu = strtoull(line, NULL, 10);
	if (proc("status", "VmHWM:", line, sizeof(line)))
		a.peak = strtoull(line + 6, NULL, 10);
	return a;
}

static void say(const char *what, struct at from, struct at to)
{
	fprintf(out, "%s %llu %llu %llu\n", what, (unsigned long long)(to.wall - from.wall),
		(unsigned long long)(to.cpu - from.cpu), (unsigned long long)to.peak);
}

/* Where the program lies: 0, if it says so itself. */
static uint64_t base(void)
{
	char path[64], line[512];
	Elf64_Ehdr head;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	f = fopen(path, "r");
	if (!f || fread(&head, sizeof(head), 1, f) != 1)
		die(path);
	fclose(f);
	if (head.e_type != ET_DYN)
		return 0;
	if (!proc("maps", "", line, sizeof(line)))
		die("maps");
	return strtoull(line, NULL, 16);
}

static long word(uint64_t addr)
{
	long w;

	errno = 0;
	w = ptrace(PTRACE_PEEKDATA, pid, (void *)addr, NULL);
	if (errno)
		die("peek");
	return w;
}

static void set_word(uint64_t addr, long w)
{
	if (ptrace(PTRACE_POKEDATA, pid, (void *)addr, (void *)w))
		die("poke");
}

static void arm(int i)
{
	struct stop *s = &stops[i];

	if (!s->addr || s->armed)
		return;
	s->was = word(s->addr);
	set_word(s->addr, (s->was & ~0xffL) | BREAK);
	s->armed = 1;
}

static void disarm(int i)
{
	if (stops[i].armed)
		set_word(stops[i].addr, stops[i].was);
	stops[i].armed = 0;
}

static struct user_regs_struct regs(void)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &r))
		die("registers");
	return r;
}

static void set_regs(const struct user_regs_struct *r)
{
	if (ptrace(PTRACE_SETREGS, pid, NULL, r))
		die("registers");
}

/* On to the next breakpoint, which is taken away; STOPS: the program is gone. */
static int go_on(int *status, struct rusage *used)
{
	struct user_regs_struct r;
	long sig = 0;
	int i;

	for (;;) {
		if (ptrace(PTRACE_CONT, pid, NULL, (void *)sig))
			die("continue");
		if (wait4(pid, status, __WALL, used) < 0)
			die("wait");
		if (!WIFSTOPPED(*status))
			return STOPS;
		sig = WSTOPSIG(*status);
		if (sig != SIGTRAP)
			continue;
		r = regs();
		r.rip--;
		for (i = 0; i < STOPS; i++)
			if (stops[i].armed && stops[i].addr == r.rip) {
				disarm(i);
				set_regs(&r);
				return i;
			}
	}
}

/* Calls a function of the program, which is stopped where LEAVE is. */
static void call(uint64_t function, uint64_t arg, int *status, struct rusage *used)
{
	struct user_regs_struct was = regs(), r = was;

	/* Below what the caller may use, on a stack as the ABI wants it. */
	r.rsp = ((was.rsp - 256) & ~15ULL) - 8;
	set_word(r.rsp, (long)stops[LEAVE].addr);
	r.rip = function;
	r.rdi = arg;
	r.rax = 0;
	r.orig_rax = ~0ULL;
	set_regs(&r);
	arm(LEAVE);
	if (go_on(status, used) != LEAVE)
		die("gone");
	set_regs(&was);
}

/* Runs to the end, or kills after the rounds. */
static void run(uint64_t again, unsigned rounds, int *status, struct rusage *used)
{
	struct at inside = { 0, 0, 0 }, part = inside, round;
	struct user_regs_struct r;
	uint64_t arg = 0;

	arm(ENTER);
	for (;;)
		switch (go_on(status, used)) {
		case ENTER:
			r = regs();
			arg = r.rdi;
			stops[LEAVE].addr = (uint64_t)word(r.rsp);
			arm(LEAVE);
			arm(FROM);
			inside = now();
			break;
		case FROM:
			arm(TO);
			part = now();
			break;
		case TO:
			say("part", part, now());
			break;
		case LEAVE:
			say("inside", inside, now());
			disarm(FROM);
			disarm(TO);
			for (; again && rounds; rounds--) {
				round = now();
				call(again, arg, status, used);
				say("again", round, now());
			}
			if (again) {
				kill(pid, SIGKILL);
				if (wait4(pid, status, __WALL, used) < 0)
					die("wait");
				return;
			}
			arm(ENTER);
			break;
		default:
			return;
		}
}

static uint64_t addr(const char *text)
{
	uint64_t a = strtoull(text, NULL, 16);

	return a ? a + base() : 0;
}

int main(int argc, char **argv)
{
	struct rusage used;
	uint64_t start, cpu;
	int status;

	if (argc < 8) {
		fprintf(stderr, "usage: timed OUT FUNCTION FROM TO AGAIN ROUNDS COMMAND [ARG ...]\n");
		return 125;
	}
	out = fopen(argv[1], "w");
	if (!out)
		die(argv[1]);

	start = clock_ns();
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execvp(argv[7], argv + 7);
		_exit(125);
	}
	if (wait4(pid, &status, __WALL, &used) < 0)
		die("wait");
	if (!WIFSTOPPED(status)) {
		fprintf(stderr, "timed: %s does not run\n", argv[7]);
		return 125;
	}
	stops[ENTER].addr = addr(argv[2]);
	stops[FROM].addr = addr(argv[3]);
	stops[TO].addr = addr(argv[4]);
	run(addr(argv[5]), (unsigned)strtoul(argv[6], NULL, 10), &status, &used);

	cpu = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000 +
	      (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
	fprintf(out, "whole %llu %llu %llu %d\n", (unsigned long long)(clock_ns() - start),
		(unsigned long long)cpu, (unsigned long long)used.ru_maxrss,
		WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	fclose(out);
	return 0;
}
