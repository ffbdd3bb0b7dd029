#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "service.h"

/* Four times what pipes hold by themselves: fewer changes between the container and us. Refused beyond the user's quota. */
#define OUTPUT_BYTES (256 << 10)
/* Reads of one stream at a time, between looks at everything else. */
#define MAX_ROUNDS 16
/* More than pipes hold; should something outside of the container have got hold of one, it is not waited for. */
#define MAX_LEFT ((size_t) 8 << 20)

static int
open_pipe (int *ours, int *theirs, bool we_write)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return -1;
  *ours = ends[we_write];
  *theirs = ends[!we_write];
  return fcntl (*ours, F_SETFL, O_NONBLOCK);
}

int
streams_open (struct service *service)
{
  int result = 0;
  if (service->terminal)
    return socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, service->console) < 0
             ? fail ("", "cannot make a socket for the terminal")
             : 0;
  if (service->policy == INPUT_CLOSED)
    result = service->theirs[0] = open_null (O_RDONLY);
  else
    result = open_pipe (&service->input, &service->theirs[0], true);
  for (int i = 0; i < 2 && result >= 0; i++) {
    result = open_pipe (&service->outputs[i], &service->theirs[i + 1], false);
    if (result >= 0)
      fcntl (service->outputs[i], F_SETPIPE_SZ, OUTPUT_BYTES);
  }
  return result < 0 ? fail ("", "cannot make pipes for the container") : 0;
}

int
streams_take (struct context *context)
{
  for (int i = 0; i < 3; i++)
    if (context->service->theirs[i] >= 0 && dup2 (context->service->theirs[i], i) < 0)
      return fail ("", "cannot take the standard streams");
  return 0;
}

void
streams_keep_ours (struct service *service)
{
  for (int i = 0; i < 3; i++)
    close_descriptor (&service->theirs[i]);
  close_descriptor (&service->console[1]);
}

void
streams_end_input (struct service *service)
{
  close_descriptor (&service->input);
  if (service->policy == INPUT_ONCE)
    service->policy = INPUT_CLOSED;
}

/* The child sends one descriptor, while it still runs our code: `exec` closes its end. */
static int
receive_descriptor (int from)
{
  char byte;
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE (sizeof (int))];
  } control;
  struct iovec part = { &byte, 1 };
  struct msghdr message = {
    .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
  };
  if (recvmsg (from, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0)
    return -1;
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  return header && header->cmsg_type == SCM_RIGHTS ? *(int *) (void *) CMSG_DATA (header) : -1;
}

/* The other side stays open here: otherwise the terminal would hang up whenever the container has it closed. */
static void
receive_terminal (struct service *service)
{
  int terminal = receive_descriptor (service->console[0]);
  close_descriptor (&service->console[0]);
  if (terminal < 0)
    return;
  fcntl (terminal, F_SETFL, O_RDWR | O_NONBLOCK);
  service->outputs[0] = terminal;
  service->input = fcntl (terminal, F_DUPFD_CLOEXEC, 3);
  service->peer = ioctl (terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  ioctl (terminal, TIOCSWINSZ, &service->window);
}

/* A terminal gives no more than some lines a read; a packet and a line of the log each would be many. */
static ssize_t
read_output (const struct service *service, int fd, char bytes[PACKET_BYTES])
{
  ssize_t size = read (fd, bytes, PACKET_BYTES), more = size;
  while (service->terminal && more > 0 && (size_t) size < PACKET_BYTES) {
    more = read (fd, bytes + size, PACKET_BYTES - (size_t) size);
    size += more > 0 ? more : 0;
  }
  return size;
}

/* False when there is nothing (more) to read now. */
static bool
pass_output (struct service *service, int which)
{
  static const struct {
    enum packet packet;
    const char *name;
  } streams[] = { { PACKET_STDOUT, "stdout" }, { PACKET_STDERR, "stderr" } };
  char bytes[PACKET_BYTES];
  ssize_t size = service->outputs[which] < 0 ? 0 : read_output (service, service->outputs[which], bytes);
  if (size > 0) {
    log_write (&service->log, streams[which].name, bytes, (size_t) size);
    clients_send (service, streams[which].packet, bytes, (size_t) size);
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    close_descriptor (&service->outputs[which]);
  }
  return size > 0;
}

/* As much as there is and all who are attached take. */
static void
pass_outputs (struct service *service, int which)
{
  for (int i = 0; i < MAX_ROUNDS && !clients_busy (service) && pass_output (service, which); i++)
    clients_flush (service);
}

/* Output waits until all who are attached have what came before: who is slow slows the container, as a pipe does. */
void
streams_poll (const struct service *service, struct pollfd fds[SERVICE_SLOTS])
{
  bool busy = clients_busy (service), input = false;
  for (size_t i = 0; i < MAX_CLIENTS; i++)
    input |= service->clients[i].input != NULL;
  fds[SLOT_CONSOLE] = (struct pollfd){ .fd = service->console[0], .events = POLLIN };
  fds[SLOT_STDOUT] = (struct pollfd){ .fd = busy ? -1 : service->outputs[0], .events = POLLIN };
  fds[SLOT_STDERR] = (struct pollfd){ .fd = busy ? -1 : service->outputs[1], .events = POLLIN };
  fds[SLOT_STDIN] = (struct pollfd){ .fd = input ? service->input : -1, .events = POLLOUT };
}

void
streams_handle (struct service *service, const struct pollfd fds[SERVICE_SLOTS])
{
  if (fds[SLOT_CONSOLE].revents)
    receive_terminal (service);
  for (int i = 0; i < 2; i++)
    if (fds[SLOT_STDOUT + i].revents)
      pass_outputs (service, i);
  clients_feed (service);
}

void
streams_drain (struct service *service)
{
  if (service->console[0] >= 0)
    receive_terminal (service);
  for (int i = 0; i < 2; i++)
    for (size_t left = MAX_LEFT; left > 0 && pass_output (service, i); left -= PACKET_BYTES)
      ;
  for (int i = 0; i < 2; i++)
    close_descriptor (&service->outputs[i]);
  close_descriptor (&service->input);
  close_descriptor (&service->peer);
}
