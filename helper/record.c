#include "record.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
  const char *directory; /* NULL: none is kept */
  const char *state;
  pid_t pid;
  uint64_t start, started, finished;
  int status;
  bool oom;
  unsigned restarts;
  char error[512];
} record;

/* The end of the file, or nothing. */
static ssize_t
read_text (const char *path, char *text, size_t size)
{
  autoclose int fd = open (path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read (fd, text, size - 1);
  text[got > 0 ? got : 0] = 0;
  return got;
}

/* The second field is a name in parentheses that may hold anything, so counting starts at the last one. */
uint64_t
process_start_time (pid_t pid)
{
  char path[64], text[1024];
  snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
  if (read_text (path, text, sizeof text) <= 0)
    return 0;
  char *at = strrchr (text, ')');
  for (int field = 2; at && field < 22; field++)
    at = strchr (at + 1, ' ');
  return at ? strtoull (at, NULL, 10) : 0;
}

static uint64_t
now (void)
{
  struct timespec time;
  clock_gettime (CLOCK_REALTIME, &time);
  return (uint64_t) time.tv_sec * 1000000000u + (uint64_t) time.tv_nsec;
}

static int
format (char *text, size_t size)
{
  char boot[64];
  if (read_text ("/proc/sys/kernel/random/boot_id", boot, sizeof boot) > 0)
    boot[strcspn (boot, "\n")] = 0;
  return snprintf (text, size,
                   "state %s\nsupervisor %d\npid %d\nstart %llu\nboot %s\nstarted %llu\nfinished %llu\n"
                   "exit %d\noom %d\nrestarts %u\nerror %s\n",
                   record.state, (int) getpid (), (int) record.pid, (unsigned long long) record.start, boot,
                   (unsigned long long) record.started, (unsigned long long) record.finished, record.status,
                   record.oom, record.restarts, record.error);
}

static void
save (const char *state)
{
  char path[PATH_MAX], temporary[PATH_MAX], text[2048];
  if (!record.directory)
    return;
  record.state = state;
  int size = format (text, sizeof text);
  if (snprintf (path, sizeof path, "%s/status", record.directory) >= (int) sizeof path
      || snprintf (temporary, sizeof temporary, "%s/status.tmp", record.directory) >= (int) sizeof temporary)
    return;
  autoclose int fd = open (temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0 && write_all (fd, text, (size_t) size) == 0)
    rename (temporary, path);
}

/* Without a supervisor in the background the first thing to say is that it runs: every file costs the start time. */
int
step_record (struct context *context, const struct step *step)
{
  bool first = !record.directory;
  record.directory = step_string (step, 0);
  if (context->service && first)
    save ("created");
  return 0;
}

void
record_running (pid_t pid, uint64_t start)
{
  if (!record.directory)
    return;
  record.pid = pid;
  record.start = start;
  record.started = now ();
  record.finished = 0;
  record.status = 0;
  record.oom = false;
  record.error[0] = 0;
  save ("running");
}

void
record_oom (void)
{
  record.oom = true;
}

void
record_error (const char *line)
{
  snprintf (record.error, sizeof record.error, "%.*s", (int) strcspn (line, "\n"), line);
}

static void
save_end (const char *state, int status)
{
  record.pid = 0;
  record.start = 0;
  record.finished = now ();
  record.status = status;
  save (state);
}

void
record_exited (int status)
{
  save_end ("exited", status);
}

void
record_restarting (int status)
{
  record.restarts++;
  save_end ("restarting", status);
}
