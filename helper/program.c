#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "process.h"

/* In an argument or the input: the pid of the child. */
#define PID_WORD "{pid}"

/* Copies with PID_WORD replaced; at most twice as long. */
static size_t
expand (const struct argument *from, pid_t pid, char *to)
{
  const char *at = from->bytes, *end = from->bytes + from->length, *word;
  char *start = to;
  while ((word = memmem (at, (size_t) (end - at), PID_WORD, strlen (PID_WORD)))) {
    to = mempcpy (to, at, (size_t) (word - at));
    to += sprintf (to, "%d", (int) pid);
    at = word + strlen (PID_WORD);
  }
  to = mempcpy (to, at, (size_t) (end - at));
  *to = 0;
  return (size_t) (to - start);
}

/* The step's arguments from `first` on, in one allocation. */
static char **
expand_arguments (const struct step *step, size_t first, pid_t pid)
{
  size_t count = step->argc - first, bytes = 0;
  for (size_t i = first; i < step->argc; i++)
    bytes += 2 * (size_t) step->argv[i].length + 16;
  char **argv = malloc ((count + 1) * sizeof *argv + bytes);
  if (!argv)
    return NULL;
  char *at = (char *) (argv + count + 1);
  for (size_t i = 0; i < count; i++) {
    argv[i] = at;
    at += expand (&step->argv[first + i], pid, at) + 1;
  }
  argv[count] = NULL;
  return argv;
}

/* Memory as a file, read from its beginning: neither side of it ever waits for the other. */
static int
memory_file (const char *bytes, size_t size)
{
  int fd = memfd_create ("pullrun", MFD_CLOEXEC);
  if (fd < 0 || (write_all (fd, bytes, size) == 0 && lseek (fd, 0, SEEK_SET) == 0))
    return fd;
  close_descriptor (&fd);
  return -1;
}

static int
input_file (const struct argument *input, pid_t pid)
{
  autofree char *text = malloc (2 * (size_t) input->length + 16);
  return text ? memory_file (text, expand (input, pid, text)) : -1;
}

struct program {
  char **argv;
  int descriptors[4]; /* what it gets as 0, 1, 2 and 3; -1 for nothing */
  int directory;      /* to start in; -1 for ours */
  bool background;    /* out of reach of Ctrl-C; ended by the kernel when the other end of its input is closed */
};

static void __attribute__ ((noreturn))
become (const struct program *program)
{
  static char *no_environment[] = { NULL };
  reset_signals ();
  if (program->directory >= 0 && fchdir (program->directory) < 0)
    _exit (EXIT_NOT_FOUND);
  if (program->background) {
    int input = program->descriptors[0];
    setsid ();
    /* Not PR_SET_PDEATHSIG: the kernel forgets that when the program takes on the container's credentials. */
    fcntl (input, F_SETOWN, getpid ());
    fcntl (input, F_SETSIG, SIGKILL);
    fcntl (input, F_SETFL, O_ASYNC);
  }
  for (int i = 0; i < 4; i++)
    if (program->descriptors[i] >= 0 && dup2 (program->descriptors[i], i) < 0)
      _exit (EXIT_NOT_FOUND);
  syscall (K_CLOSE_RANGE, program->descriptors[3] >= 0 ? 4 : 3, ~0U, 0);
  execve (program->argv[0], program->argv, no_environment);
  dprintf (STDERR_FILENO, "%s\n", strerrordesc_np (errno));
  _exit (EXIT_NOT_FOUND);
}

/* Above what `become` gives away, so that no dup2 there overwrites one that is still to come. */
static void
move_up (int *fd)
{
  int moved = *fd < 0 || *fd > 3 ? *fd : fcntl (*fd, F_DUPFD_CLOEXEC, 4);
  if (moved != *fd)
    close_descriptor (fd);
  *fd = moved;
}

static pid_t
spawn (struct program *program)
{
  pid_t pid = fork ();
  if (pid == 0) {
    for (int i = 0; i < 4; i++)
      move_up (&program->descriptors[i]);
    become (program);
  }
  return pid;
}

static int
wait_for (pid_t pid)
{
  int status = -1;
  while (waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  return status;
}

static void
join_lines (char *text)
{
  for (char *end; (end = strchr (text, '\n')); text = end)
    *end = end[1] ? ';' : 0;
}

/*
 * Notes as the failure what the program said: its first line, or the beginning of all, for those that begin with
 * something else.
 */
static int
fail_program (const struct program *program, int status, const char *what)
{
  char text[512] = "", object[1024];
  ssize_t size = pread (program->descriptors[2], text, sizeof text - 1, 0);
  text[size > 0 ? size : 0] = 0;
  if (program->background)
    join_lines (text);
  text[strcspn (text, "\n")] = 0;
  if (!*text && WIFSIGNALED (status))
    snprintf (text, sizeof text, "killed by signal %d", WTERMSIG (status));
  else if (!*text)
    snprintf (text, sizeof text, "exit status %d", WEXITSTATUS (status));
  snprintf (object, sizeof object, "%s: %s", program->argv[0], text);
  return fail_with (0, object, "%s", what);
}

int
run_program (char **argv, int input, const char *what)
{
  autoclose int null = open_null (O_RDWR), said = memory_file ("", 0);
  struct program program = { argv, { input < 0 ? null : input, null, said, -1 }, -1, false };
  pid_t pid = null < 0 || said < 0 ? -1 : spawn (&program);
  if (pid < 0)
    return fail (argv[0], "cannot start program");
  int status = wait_for (pid);
  return status == 0 ? 0 : fail_program (&program, status, what);
}

static int
run_with_input (const struct argument *input, char **argv, pid_t pid)
{
  autoclose int file = input_file (input, pid);
  return file < 0 ? fail (argv[0], "cannot start program") : run_program (argv, file, "program failed");
}

/* The second input is for when the first is refused: what had to be there first is made, and then the same done. */
int
step_program (struct context *context, const struct step *step)
{
  autofree char **argv = expand_arguments (step, 2, context->child);
  if (!argv)
    return fail ("", "cannot start program");
  int result = run_with_input (&step->argv[0], argv, context->child);
  if (result < 0 && step->argv[1].length > 0)
    result = run_with_input (&step->argv[1], argv, context->child);
  return result;
}

/* Pipe ends: the program's input and our hold on it, where it says that it is ready and where we hear that. */
struct daemon_pipes {
  int input, hold, tell, hear;
};

static int
open_pipes (struct daemon_pipes *pipes)
{
  int input[2], ready[2];
  if (pipe2 (input, O_CLOEXEC) < 0)
    return -1;
  if (pipe2 (ready, O_CLOEXEC) < 0) {
    close_descriptor (&input[0]);
    close_descriptor (&input[1]);
    return -1;
  }
  *pipes = (struct daemon_pipes){ input[0], input[1], ready[1], ready[0] };
  return 0;
}

/* True once it has said so; false when it ended, or said nothing for half a minute. */
static bool
hear_ready (int from)
{
  struct pollfd said = { .fd = from, .events = POLLIN };
  char byte;
  int changed;
  do
    changed = poll (&said, 1, 30000);
  while (changed < 0 && errno == EINTR);
  return changed > 0 && read (from, &byte, 1) == 1;
}

/* Its input never gets a byte: that it ends tells of our death. */
static int
start_daemon (struct context *context, struct program *program, int ready)
{
  struct daemon_pipes pipes;
  if (open_pipes (&pipes) < 0)
    return fail (program->argv[0], "cannot start program");
  program->descriptors[0] = pipes.input;
  program->descriptors[ready] = pipes.tell;
  pid_t pid = spawn (program);
  close (pipes.input);
  close (pipes.tell);
  if (pid > 0 && hear_ready (pipes.hear)) {
    /* We go on holding what it may have as standard output: nobody to read it would be a reason to die. */
    context->daemons[context->daemon_count++] = (struct daemon){ pid, pipes.hold, pipes.hear };
    return 0;
  }
  int error = errno;
  close (pipes.hold);
  close (pipes.hear);
  if (pid < 0)
    return fail_with (error, program->argv[0], "cannot start program");
  kill (pid, SIGKILL);
  return fail_program (program, wait_for (pid), "program failed");
}

int
step_daemon (struct context *context, const struct step *step)
{
  int ready = step_integer (step, 0) == STDOUT_FILENO ? STDOUT_FILENO : 3;
  const char *path = step_string (step, 1);
  autofree char **argv = expand_arguments (step, 2, context->child);
  autoclose int null = open_null (O_RDWR);
  /* Where it starts: a path that is too long for a socket need not be named. */
  autoclose int directory = open_directory_of (path);
  autoclose int log = open (path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (log < 0 || directory < 0)
    return fail (path, "cannot write");
  if (!argv || null < 0 || context->daemon_count == MAX_DAEMONS)
    return fail_with (0, step_string (step, 2), "cannot start program");
  struct program program = { argv, { -1, null, log, -1 }, directory, true };
  return start_daemon (context, &program, ready);
}

void
end_daemons (struct context *context)
{
  while (context->daemon_count > 0) {
    struct daemon *daemon = &context->daemons[--context->daemon_count];
    close (daemon->hold);
    close (daemon->output);
    /* Not by its number alone: it may have ended and been reaped long ago. */
    if (waitpid (daemon->pid, NULL, WNOHANG) != 0)
      continue;
    kill (daemon->pid, SIGKILL);
    wait_for (daemon->pid);
  }
}
