#include "init.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"

/* Reaps whatever has ended. True when that was the command; its exit status, as a shell has it. */
static bool
reap (pid_t command, int *status)
{
  bool ended = false;
  pid_t pid;
  int one;
  while ((pid = waitpid (-1, &one, WNOHANG)) > 0 || (pid < 0 && errno == EINTR))
    if (pid == command) {
      ended = true;
      *status = status_of (one);
    }
  return ended;
}

/* The first process of a pid namespace gets no signal it has no handler for, but may wait for one. */
static void __attribute__ ((noreturn))
look_after (pid_t command)
{
  sigset_t all;
  int status = EXIT_OURS;
  sigfillset (&all);
  /* Others wait for these to close, and must not wait for us. */
  syscall (K_CLOSE_RANGE, 3, ~0U, 0);
  for (bool ended = false; !ended;) {
    int number = sigwaitinfo (&all, NULL);
    if (number == SIGCHLD)
      ended = reap (command, &status);
    else if (number > 0 && number != SIGTTIN && number != SIGTTOU)
      kill (command, number);
  }
  _exit (status);
}

/* Our command line has paths of the host, and the container sees it. */
static void
hide_arguments (const struct context *context)
{
  static const char name[] = "pullrun-init";
  if (context->argument_bytes < sizeof name)
    return;
  memset (context->arguments, 0, context->argument_bytes);
  memcpy (context->arguments, name, sizeof name);
}

/* The command gets a process group of its own, in front of the terminal if there is one, so that Ctrl-C is for it only. */
int
step_init (struct context *context, const struct step *step)
{
  sigset_t all;
  (void) step;
  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, NULL);
  pid_t pid = fork ();
  if (pid < 0)
    return fail ("", "cannot start a process");
  if (pid > 0) {
    hide_arguments (context);
    look_after (pid);
  }
  setpgid (0, 0);
  tcsetpgrp (STDIN_FILENO, getpid ());
  return 0;
}
