import { closeSync } from "node:fs";
import { createRequire } from "node:module";
import { getSystemErrorName } from "node:util";
import { err, messageOf, ok, type Issue, type Result } from "../../ports/result.ts";

/** A system call that the kernel refused. `name` is the symbolic errno, such as `EBUSY`. */
export interface SystemError {
  readonly name: string;
}

/** What `poll` waits for: data to read, or an exceptional condition (`POLLPRI`, such as an HDMI-CEC event). */
export type Readiness = "readable" | "priority";

/** The system calls that Node has no function for. */
export interface Native {
  /**
   * Makes the call on a thread of Node's pool, because a driver may take its time. `argument` is read and written by the
   * kernel and must not be used until the call has settled. The caller limits how many calls can be under way at once.
   */
  ioctl(fd: number, request: number, argument: Uint8Array): Promise<Result<number, SystemError>>;
  /** Makes the call at once, on this thread: only for calls that cannot block. */
  ioctlNow(fd: number, request: number, argument: Uint8Array): Result<number, SystemError>;
  /** Where the bytes are in memory, for arguments that contain pointers. Valid as long as the array is in use. */
  address(bytes: Uint8Array): bigint;
  /**
   * Calls `ready` whenever `fd` is ready, in Node's own event loop: no thread waits. `ready` has to read what is there, else
   * it is called again at once. Returns a function that stops; call it before closing `fd`. Fails for what cannot be waited
   * for, such as a regular file.
   */
  poll(fd: number, readiness: readonly Readiness[], ready: () => void): Result<() => void, SystemError>;
}

/** Sockets to the kernel, which Node cannot open. */
export interface NetlinkCalls {
  /** Opens a socket of a netlink protocol for messages to the groups (a bit mask). Read it with `readSync`; it does not block. */
  netlink(protocol: number, groups: number): Result<number, SystemError>;
}

/** What Node cannot ask of the kernel for its own process. */
export interface ProcessCalls {
  /** The kernel ends this process by SIGALRM after so many seconds, whatever its threads do (alarm(2)). */
  alarm(seconds: number): void;
}

type AllCalls = Native & NetlinkCalls & ProcessCalls;

/** socket(2) on all Linux machines we run on: AF_NETLINK, and SOCK_RAW with SOCK_CLOEXEC and SOCK_NONBLOCK. */
const AF_NETLINK = 16;
const RAW_SOCKET = 3 | 0o2000000 | 0o4000;

/** The part of koffi that is used here (https://koffi.dev, version 3). */
interface Koffi {
  load(path: null): { func(definition: string): NativeFunction };
  proto(definition: string): object;
  pointer(type: object): object;
  opaque(name: string): object;
  register(callback: (...args: never[]) => void, type: object): object;
  unregister(callback: object): void;
  alloc(type: string, length: number): object;
  free(pointer: object): void;
  errno(): number;
  address(bytes: Uint8Array): bigint;
}

type NativeArgument = number | bigint | Uint8Array | object | null;
interface NativeFunction {
  (...args: NativeArgument[]): number | bigint | object;
  async(...args: [...NativeArgument[], (error: Error | null, result: number) => void]): void;
}

/** libuv's ABI, stable throughout its version 1: the index of uv_poll_t among the handle types, and the event bits (uv.h). */
const UV_POLL = 8;
const UV_EVENTS: Readonly<Record<Readiness, number>> = { readable: 1, priority: 8 };

let opened: Result<AllCalls> | undefined;

/**
 * Opens the system calls. The library is loaded at the first call, so that machines without GPIO, CEC and outputs do not carry it.
 * Errors: `kernel.no-native` (no binary of the library for this machine).
 */
export function openNative(): Result<AllCalls> {
  opened ??= load();
  return opened;
}

function load(): Result<AllCalls> {
  // Only the binary for this machine: koffi's own entry point would add 5 MiB more.
  const name = `@koromix/koffi-${process.platform}-${process.arch}`;
  try {
    return ok(nativeCalls(createRequire(import.meta.url)(name) as Koffi));
  } catch (thrown) {
    const issue: Issue = { code: "kernel.no-native", message: `${name} cannot be loaded: ${messageOf(thrown)}`, hint: "install the package with its optional dependencies, or set the platform to linux" };
    return err(issue);
  }
}

function nativeCalls(koffi: Koffi): AllCalls {
  const program = koffi.load(null);
  const ioctl = program.func("int ioctl(int fd, unsigned long request, void *argument)");
  // After a call on another thread koffi has taken errno over from that thread.
  const answer = (result: number): Result<number, SystemError> => (result < 0 ? err({ name: getSystemErrorName(-koffi.errno()) }) : ok(result));
  return {
    ioctl: (fd, request, argument) =>
      new Promise((resolve, reject) => {
        ioctl.async(fd, request, argument, (error, result) => {
          if (error !== null) reject(error);
          else resolve(answer(result));
        });
      }),
    ioctlNow: (fd, request, argument) => answer(Number(ioctl(fd, request, argument))),
    address: (bytes) => koffi.address(bytes),
    poll: pollCalls(koffi, program),
    alarm: (seconds) => void program.func("unsigned int alarm(unsigned int seconds)")(seconds),
    netlink: (protocol, groups) => {
      const fd = Number(program.func("int socket(int domain, int type, int protocol)")(AF_NETLINK, RAW_SOCKET, protocol));
      if (fd < 0) return answer(fd);
      // struct sockaddr_nl: family, padding, port chosen by the kernel, groups.
      const address = Buffer.alloc(12);
      address.writeUInt16LE(AF_NETLINK, 0);
      address.writeUInt32LE(groups, 8);
      const bound = answer(Number(program.func("int bind(int fd, void *address, unsigned int length)")(fd, address, address.length)));
      if (bound.ok) return ok(fd);
      closeSync(fd);
      return bound;
    },
  };
}

/** `poll` through libuv, whose functions Node exports for add-ons. */
function pollCalls(koffi: Koffi, program: ReturnType<Koffi["load"]>): Native["poll"] {
  const defaultLoop = program.func("void *uv_default_loop()");
  const handleSize = Number(program.func("size_t uv_handle_size(int type)")(UV_POLL));
  const init = program.func("int uv_poll_init(void *loop, void *handle, int fd)");
  const pollCallback = koffi.pointer(koffi.proto("void vitrine_poll(void *handle, int status, int events)"));
  const closeCallback = koffi.pointer(koffi.proto("void vitrine_close(void *handle)"));
  const start = program.func("int uv_poll_start(void *handle, int events, void *callback)");
  const close = program.func("void uv_close(void *handle, void *callback)");
  return (fd, readiness, ready) => {
    const handle = koffi.alloc("uint8_t", handleSize);
    const initialised = init(defaultLoop(), handle, fd);
    if (initialised !== 0) {
      koffi.free(handle);
      return err({ name: getSystemErrorName(Number(initialised)) });
    }
    const events = readiness.reduce((bits, each) => bits | UV_EVENTS[each], 0);
    let stopped = false;
    // libuv calls outside of Node's own callbacks, where an exception would end the process without a word.
    const onReady = koffi.register(() => {
      setImmediate(() => {
        if (!stopped) ready();
      });
    }, pollCallback);
    const onClosed = koffi.register(() => {
      setImmediate(() => {
        koffi.unregister(onReady);
        koffi.unregister(onClosed);
        koffi.free(handle);
      });
    }, closeCallback);
    const stop = (): void => {
      if (stopped) return;
      stopped = true;
      close(handle, onClosed);
    };
    const started = start(handle, events, onReady);
    if (started === 0) return ok(stop);
    stop();
    return err({ name: getSystemErrorName(Number(started)) });
  };
}
