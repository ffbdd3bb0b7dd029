#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "reap.h"
#include "record.h"
#include "runtime.h"
#include "service.h"

struct watch {
  struct context *context;
  struct child *child; /* NULL: none */
  int status;          /* as of waitpid; -1 before */
  char said[8192];     /* what the child told of a failure */
  size_t said_size;
  bool awaits_runtime; /* it runs, and its container not yet */
};

/* In nanoseconds. */
#define MILLISECOND 1000000
/* Between looks for what a runtime has started: it takes some 50. */
#define RUNTIME_MILLISECONDS 10

enum { SLOT_SIGNALS = SERVICE_SLOTS, SLOT_STARTED, SLOT_STOP, ALL_SLOTS };

/*
 * Ctrl-Z: the container gets to know (a process without a handler ignores it there, like any that has no terminal)
 * and we stop ourselves, so that the shell has its prompt back; the container goes on running. Stops for terminal
 * input or output are not ours to act on: we do neither.
 */
static void
pass_on (struct watch *watch, int number)
{
  struct service *service = watch->context->service;
  if (number == SIGPIPE || number == SIGTTIN || number == SIGTTOU)
    return;
  /* Once it is reaped its number may be another's. */
  if (watch->child && watch->status < 0)
    kill (watch->child->pid, number);
  if (service && (number == SIGTERM || number == SIGINT || number == SIGHUP || number == SIGQUIT))
    service->stopped = true;
  if (number == SIGTSTP && !service)
    kill (getpid (), SIGSTOP);
}

static void
take_signals (struct watch *watch, int signals)
{
  struct signalfd_siginfo info;
  while (read (signals, &info, sizeof info) == sizeof info)
    if (info.ssi_signo != SIGCHLD)
      pass_on (watch, (int) info.ssi_signo);
    else if (watch->child)
      reap (watch->child->pid, WNOHANG, &watch->status);
}

static void
note_running (struct watch *watch, pid_t pid, uint64_t start)
{
  record_running (pid, start);
  if (watch->context->service)
    watch->context->service->ran = true;
  service_tell (watch->context, 0);
}

/* Until it is reaped its number is its own. */
static void
note_child_running (struct watch *watch)
{
  pid_t pid = watch->status < 0 ? watch->child->pid : 0;
  note_running (watch, pid, pid > 0 ? process_start_time (pid) : 0);
}

/*
 * Takes hold of the runtime's program. That is the runtime's to reap, so its number may have become another's meanwhile,
 * unless the program is found by it again. Returns when it started, 0: it has ended.
 */
static uint64_t
follow_program (const struct watch *watch, pid_t pid)
{
  struct service *service = watch->context->service;
  if (service) {
    close_descriptor (&service->program);
    service->program = k_pidfd_open (pid);
  }
  uint64_t start = process_start_time (pid);
  if (runtime_program (watch->context, watch->child->pid) == pid)
    return start;
  if (service)
    close_descriptor (&service->program);
  return 0;
}

/* A program that ended at once is only known by the runtime's word. */
static void
look_for_program (struct watch *watch)
{
  if (!watch->awaits_runtime)
    return;
  pid_t pid = runtime_program (watch->context, watch->child->pid);
  if (pid == 0 && (watch->status < 0 || !runtime_has_started (watch->context)))
    return;
  watch->awaits_runtime = false;
  uint64_t start = pid > 0 ? follow_program (watch, pid) : 0;
  note_running (watch, start > 0 ? pid : 0, start);
}

static void
note_failure (const struct watch *watch, const char *text)
{
  static const char name[] = "pullrun: ";
  record_error (text + (strncmp (text, name, strlen (name)) == 0 ? strlen (name) : 0));
  if (watch->context->service)
    (void) !write (STDERR_FILENO, text, strlen (text));
}

/* The child's end of the pipe is closed: by exec, if nothing came after the mark. */
static void
take_start (struct watch *watch)
{
  close_descriptor (&watch->child->started);
  watch->said[watch->said_size] = 0;
  bool started = watch->said_size == 1 && watch->said[0] == START_MARK[0];
  watch->awaits_runtime = started && watch->context->pid_file;
  if (started && !watch->awaits_runtime)
    note_child_running (watch);
  else if (watch->said_size == 0)
    note_failure (watch, "pullrun: the container's first process was ended before its program started\n");
  else if (!started)
    note_failure (watch, watch->said + (watch->said[0] == START_MARK[0]));
}

static void
hear_child (struct watch *watch)
{
  while (watch->child && watch->child->started >= 0) {
    size_t room = sizeof watch->said - 1 - watch->said_size;
    ssize_t size = read (watch->child->started, watch->said + watch->said_size, room);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (size <= 0)
      take_start (watch);
    else
      watch->said_size += (size_t) size;
  }
}

static void
fill_slots (const struct watch *watch, int signals, int stop, struct pollfd fds[ALL_SLOTS])
{
  const struct service *service = watch->context->service;
  for (size_t i = 0; i < ALL_SLOTS; i++)
    fds[i].fd = -1;
  fds[SLOT_SIGNALS] = (struct pollfd){ .fd = signals, .events = POLLIN };
  fds[SLOT_STARTED] = (struct pollfd){ .fd = watch->child ? watch->child->started : -1, .events = POLLIN };
  fds[SLOT_STOP] = (struct pollfd){ .fd = stop, .events = POLLIN };
  if (service) {
    clients_poll (service, fds);
    streams_poll (service, fds);
  }
}

/* poll(2) refuses more entries than RLIMIT_NOFILE allows, empty ones included: 40 are more than `ulimit -n 32`. */
static int
poll_open (struct pollfd fds[ALL_SLOTS], int milliseconds)
{
  struct pollfd open[ALL_SLOTS];
  size_t slots[ALL_SLOTS], count = 0;
  for (size_t i = 0; i < ALL_SLOTS; i++) {
    fds[i].revents = 0;
    if (fds[i].fd < 0)
      continue;
    slots[count] = i;
    open[count++] = fds[i];
  }
  int ready = poll (open, count, milliseconds);
  for (size_t i = 0; ready > 0 && i < count; i++)
    fds[slots[i]].revents = open[i].revents;
  return ready;
}

/* One round. Its start before its end: a program may be over before we have looked. */
static void
wait_and_handle (struct watch *watch, int signals, int stop, int milliseconds)
{
  struct service *service = watch->context->service;
  struct pollfd fds[ALL_SLOTS];
  fill_slots (watch, signals, stop, fds);
  if (poll_open (fds, milliseconds) <= 0)
    return;
  if (service) {
    streams_handle (service, fds);
    clients_handle (service, fds);
  }
  hear_child (watch);
  if (fds[SLOT_SIGNALS].revents)
    take_signals (watch, signals);
}

static int
open_signals (void)
{
  sigset_t all;
  sigfillset (&all);
  sigprocmask (SIG_BLOCK, &all, NULL);
  return signalfd (-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
give_up (struct context *context, const struct child *child)
{
  fail ("", "cannot watch over the container");
  report_failure (context, 0, "watch");
  kill (child->pid, SIGKILL);
  waitpid (child->pid, NULL, 0);
  return EXIT_OURS;
}

int
watch_child (struct context *context, struct child *child)
{
  struct watch watch = { .context = context, .child = child, .status = -1 };
  autoclose int signals = open_signals ();
  if (signals < 0)
    return give_up (context, child);
  if (context->service)
    context->service->program = k_pidfd_open (child->pid);
  /* Children of the program we were before: their signals have come and gone. */
  reap (child->pid, WNOHANG, &watch.status);
  while (watch.status < 0) {
    wait_and_handle (&watch, signals, -1, watch.awaits_runtime ? RUNTIME_MILLISECONDS : -1);
    look_for_program (&watch);
  }
  hear_child (&watch);
  look_for_program (&watch);
  if (context->service)
    close_descriptor (&context->service->program);
  if (!child->own_pids)
    end_orphans (child->pid);
  if (context->service)
    streams_drain (context->service);
  return status_of (watch.status);
}

/* Whoever stops the container puts a file there; `wait_and_handle` only wakes up from it. */
static int
watch_for_stop (const char *directory)
{
  int fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  if (fd >= 0 && inotify_add_watch (fd, directory, IN_CREATE | IN_MOVED_TO) < 0)
    close_descriptor (&fd);
  return fd;
}

void
watch_pause (struct context *context, int milliseconds)
{
  struct service *service = context->service;
  struct watch watch = { .context = context, .child = NULL, .status = -1 };
  bool limited = milliseconds >= 0;
  long long end = monotonic_time () / MILLISECOND + milliseconds, left = 0;
  autoclose int signals = open_signals ();
  autoclose int stop = limited ? watch_for_stop (service->log.directory) : -1;
  while (limited ? !service_stopped (service) && (left = end - monotonic_time () / MILLISECOND) > 0
                 : clients_busy (service)) {
    char events[4096];
    wait_and_handle (&watch, signals, stop, limited ? (int) left : -1);
    (void) !read (stop, events, sizeof events);
  }
}
