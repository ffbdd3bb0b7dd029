#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"
#include "service.h"

int
clients_listen (struct service *service)
{
  const char *directory = service->log.directory;
  autoclose int dir = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct sockaddr_un address;
  if (dir < 0 || fd < 0 || !unix_address (&address, dir, "attach"))
    return fail (directory, "cannot make the attach socket");
  unlinkat (dir, "attach", 0);
  mode_t mask = umask (0177);
  int bound = bind (fd, (struct sockaddr *) &address, sizeof address);
  umask (mask);
  if (bound < 0 || listen (fd, MAX_CLIENTS) < 0) {
    close_descriptor (&fd);
    return fail (directory, "cannot make the attach socket");
  }
  service->listener = fd;
  return 0;
}

void
clients_stop_listening (struct service *service)
{
  if (service->listener < 0)
    return;
  autoclose int dir = open (service->log.directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir >= 0)
    unlinkat (dir, "attach", 0);
  close_descriptor (&service->listener);
}

static struct chunk *
make_chunk (enum packet type, const char *bytes, size_t size)
{
  struct chunk *chunk = malloc (sizeof *chunk + size);
  if (!chunk)
    return NULL;
  *chunk = (struct chunk){ .type = (char) type, .size = size };
  memcpy (chunk->bytes, bytes, size);
  return chunk;
}

/* Up to the oldest that somebody still has to get. */
static void
forget_sent (struct service *service)
{
  while (service->queue) {
    struct chunk *oldest = service->queue;
    for (size_t i = 0; i < MAX_CLIENTS; i++)
      if (service->clients[i].fd >= 0 && service->clients[i].next == oldest)
        return;
    service->queue = oldest->next;
    free (oldest);
  }
}

static void
drop (struct service *service, struct client *client)
{
  close (client->fd);
  free (client->input);
  bool gave_input = client->gives_input;
  *client = (struct client){ .fd = -1 };
  forget_sent (service);
  if (gave_input && service->policy == INPUT_ONCE && !service->terminal)
    streams_end_input (service);
}

static void
turn_away (int fd)
{
  static const char note[] = "Npullrun: too many are attached to this container already\n";
  char end[] = { PACKET_EXIT, EXIT_OURS };
  (void) !send (fd, note, sizeof note - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  (void) !send (fd, end, sizeof end, MSG_NOSIGNAL | MSG_DONTWAIT);
  close (fd);
}

void
clients_add (struct service *service, int fd, bool joined)
{
  char welcome[2] = { PACKET_WELCOME, service->terminal };
  for (size_t i = 0; i < MAX_CLIENTS; i++)
    if (service->clients[i].fd < 0) {
      service->clients[i] = (struct client){ .fd = fd, .joined = joined };
      (void) !send (fd, welcome, sizeof welcome, MSG_NOSIGNAL | MSG_DONTWAIT);
      return;
    }
  turn_away (fd);
}

void
clients_send (struct service *service, enum packet type, const char *bytes, size_t size)
{
  struct chunk **end = &service->queue, *chunk = NULL;
  for (size_t i = 0; i < MAX_CLIENTS; i++)
    if (service->clients[i].fd >= 0) {
      if (!chunk && !(chunk = make_chunk (type, bytes, size)))
        return;
      if (!service->clients[i].next)
        service->clients[i].next = chunk;
    }
  while (*end)
    end = &(*end)->next;
  *end = chunk;
}

bool
clients_busy (const struct service *service)
{
  return service->queue != NULL;
}

/* As much as it takes; false when it is gone. */
static bool
deliver (struct client *client)
{
  if (client->owed && send_packet (client->fd, PACKET_TAKEN, "", 0, MSG_DONTWAIT))
    client->owed = false;
  else if (client->owed)
    return errno == EAGAIN || errno == EINTR;
  while (client->next) {
    struct chunk *chunk = client->next;
    if (!send_packet (client->fd, (enum packet) chunk->type, chunk->bytes, chunk->size, MSG_DONTWAIT))
      return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
    client->next = chunk->next;
    if (chunk->type == PACKET_EXIT)
      return false;
  }
  return true;
}

void
clients_flush (struct service *service)
{
  for (size_t i = 0; i < MAX_CLIENTS; i++) {
    struct client *client = &service->clients[i];
    if (client->fd >= 0 && client->next && !deliver (client))
      drop (service, client);
  }
  forget_sent (service);
}

/* Docker's way to have a screen drawn again for somebody who does not see it yet: the kernel only tells of changes. */
static bool
set_window (struct service *service, struct client *client, const char *bytes, size_t size)
{
  struct winsize other;
  if (size != sizeof service->window)
    return false;
  memcpy (&other, bytes, size);
  other.ws_row++;
  if (client->joined && service->peer >= 0)
    ioctl (service->peer, TIOCSWINSZ, &other);
  client->joined = false;
  memcpy (&service->window, bytes, size);
  if (service->peer >= 0)
    ioctl (service->peer, TIOCSWINSZ, &service->window);
  return true;
}

/* False for what no client of ours sends. */
static bool
obey (struct service *service, struct client *client, const char *packet, size_t size)
{
  switch ((enum packet) packet[0]) {
  case PACKET_HELLO:
    client->gives_input = size == 2 && packet[1] == 1;
    return size == 2;
  case PACKET_INPUT:
    if (client->input)
      return false;
    client->input = make_chunk (PACKET_INPUT, packet + 1, size - 1);
    client->taken = 0;
    return client->input != NULL;
  case PACKET_INPUT_END:
    if (service->policy == INPUT_ONCE && !service->terminal)
      streams_end_input (service);
    return true;
  case PACKET_WINDOW:
    return set_window (service, client, packet + 1, size - 1);
  case PACKET_SIGNAL:
    if (size == 2 && service->program >= 0)
      k_pidfd_send_signal (service->program, packet[1]);
    return size == 2;
  case PACKET_WELCOME:
  case PACKET_STDOUT:
  case PACKET_STDERR:
  case PACKET_NOTE:
  case PACKET_TAKEN:
  case PACKET_EXIT:
  default:
    return false;
  }
}

static bool
listen_to (struct service *service, struct client *client)
{
  char packet[PACKET_BYTES + 1];
  ssize_t size = recv (client->fd, packet, sizeof packet, MSG_DONTWAIT | MSG_TRUNC);
  if (size < 0)
    return errno == EAGAIN || errno == EINTR;
  return size > 0 && (size_t) size <= sizeof packet && obey (service, client, packet, (size_t) size);
}

/* Input nobody can take any more is taken all the same: its sender need not know. */
void
clients_feed (struct service *service)
{
  for (size_t i = 0; i < MAX_CLIENTS; i++) {
    struct client *client = &service->clients[i];
    if (!client->input)
      continue;
    size_t left = client->input->size - client->taken;
    ssize_t wrote = service->input < 0 ? (ssize_t) left
                                       : write (service->input, client->input->bytes + client->taken, left);
    if (wrote < 0 && (errno == EAGAIN || errno == EINTR))
      return;
    if (wrote < 0) {
      streams_end_input (service);
      wrote = (ssize_t) left;
    }
    client->taken += (size_t) wrote;
    if (client->taken < client->input->size)
      return;
    free (client->input);
    client->input = NULL;
    client->owed = true;
  }
}

void
clients_poll (const struct service *service, struct pollfd fds[SERVICE_SLOTS])
{
  fds[SLOT_LISTENER] = (struct pollfd){ .fd = service->listener, .events = POLLIN };
  for (size_t i = 0; i < MAX_CLIENTS; i++) {
    const struct client *client = &service->clients[i];
    short wants = client->next || client->owed ? POLLOUT : 0;
    fds[SLOT_CLIENTS + i] = (struct pollfd){ .fd = client->fd, .events = POLLIN | wants };
  }
}

void
clients_handle (struct service *service, const struct pollfd fds[SERVICE_SLOTS])
{
  for (size_t i = 0; i < MAX_CLIENTS; i++) {
    struct client *client = &service->clients[i];
    short events = fds[SLOT_CLIENTS + i].revents;
    if (client->fd < 0 || client->fd != fds[SLOT_CLIENTS + i].fd || events == 0)
      continue;
    bool here = !(events & (POLLIN | POLLHUP | POLLERR)) || listen_to (service, client);
    if (here)
      here = deliver (client);
    if (!here)
      drop (service, client);
  }
  forget_sent (service);
  if (fds[SLOT_LISTENER].revents & POLLIN) {
    int fd = accept4 (service->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
      clients_add (service, fd, true);
  }
}
