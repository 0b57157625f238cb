//! Echo server on uWebSockets, called through the C interface of the library that the Python package socketify
//! brings, without Python on the way of a message. Usage: uwebsockets PORT LIBRARY

use std::ffi::{CStr, c_char, c_int, c_uint, c_ushort, c_void};
use std::os::fd::{BorrowedFd, RawFd};

use bench_peers::{Failure, MAX_MESSAGE, port, send_unpaced};
use libloading::{Library, Symbol};
use rustix::net::sockopt::socket_acceptconn;

/// A pool of compressors and one decompressor for all connections: no context takeover.
const SHARED_COMPRESSOR: c_uint = 1;
const SHARED_DECOMPRESSOR: c_uint = 1 << 8;

type App = *mut c_void;
type Socket = *mut c_void;
type MessageHandler = extern "C" fn(Socket, *const c_char, usize, c_int, *mut c_void);
type Send = unsafe extern "C" fn(c_int, Socket, *const c_char, usize, c_int, bool, bool) -> c_int;

/// `uws_socket_behavior_t`.
#[repr(C)]
struct Behavior {
    compression: c_uint,
    max_payload_length: c_uint,
    idle_timeout: c_ushort,
    max_backpressure: c_uint,
    close_on_backpressure_limit: bool,
    reset_idle_timeout_on_send: bool,
    send_pings_automatically: bool,
    max_lifetime: c_ushort,
    upgrade: Option<extern "C" fn()>,
    open: Option<extern "C" fn()>,
    message: Option<MessageHandler>,
    drain: Option<extern "C" fn()>,
    ping: Option<extern "C" fn()>,
    pong: Option<extern "C" fn()>,
    close: Option<extern "C" fn()>,
    subscription: Option<extern "C" fn()>,
}

/// `struct us_socket_context_options_t`: no TLS.
#[repr(C)]
#[derive(Default)]
struct ContextOptions {
    files_and_ciphers: [usize; 6],
    prefer_low_memory: c_int,
}

/// `uws_app_listen_config_t`.
#[repr(C)]
struct ListenConfig {
    port: c_int,
    host: *const c_char,
    options: c_int,
}

extern "C" fn echo(socket: Socket, message: *const c_char, length: usize, opcode: c_int, send: *mut c_void) {
    // SAFETY: `main` gave the address of uws_ws_send_with_options as user data; the message lives for this call.
    unsafe {
        let send: Send = std::mem::transmute(send);
        send(0, socket, message, length, opcode, true, true);
    }
}

extern "C" fn listening(socket: *mut c_void, _: ListenConfig, _: *mut c_void) {
    assert!(!socket.is_null(), "the port is taken");
}

/// The descriptors of this process that take connections. The library does not give its own away.
fn listeners() -> Result<Vec<RawFd>, Failure> {
    let mut listeners = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let number: RawFd = entry?.file_name().to_string_lossy().parse()?;
        // SAFETY: the descriptor is asked what it is, and nothing else; that of the folder is closed by then at worst.
        let listens = socket_acceptconn(unsafe { BorrowedFd::borrow_raw(number) });
        listeners.extend(listens.is_ok_and(|listens| listens).then_some(number));
    }
    if listeners.is_empty() { Err("nothing listens".into()) } else { Ok(listeners) }
}

fn main() -> Result<(), Failure> {
    let path = std::env::args().nth(2).ok_or("usage: uwebsockets PORT LIBRARY")?;
    let any: &CStr = c"/*";
    let host: &CStr = c"127.0.0.1";
    // SAFETY: names, types and order of calls are those of libsocketify.h and of the Python package.
    unsafe {
        let library = Library::new(path)?;
        let create_loop: Symbol<unsafe extern "C" fn() -> *mut c_void> =
            library.get(b"socketify_create_loop")?;
        let native_loop: Symbol<unsafe extern "C" fn(*mut c_void) -> *mut c_void> =
            library.get(b"socketify_get_native_loop")?;
        let use_loop: Symbol<unsafe extern "C" fn(*mut c_void) -> *mut c_void> =
            library.get(b"uws_get_loop_with_native")?;
        let create_app: Symbol<unsafe extern "C" fn(c_int, ContextOptions) -> App> =
            library.get(b"uws_create_app")?;
        let ws: Symbol<unsafe extern "C" fn(c_int, App, *const c_char, Behavior, *mut c_void)> =
            library.get(b"uws_ws")?;
        type Listening = extern "C" fn(*mut c_void, ListenConfig, *mut c_void);
        let listen: Symbol<unsafe extern "C" fn(c_int, App, ListenConfig, Listening, *mut c_void)> =
            library.get(b"uws_app_listen_with_config")?;
        let run: Symbol<unsafe extern "C" fn(*mut c_void, c_int) -> c_int> =
            library.get(b"socketify_loop_run")?;
        let send: Symbol<Send> = library.get(b"uws_ws_send_with_options")?;

        let event_loop = create_loop();
        use_loop(native_loop(event_loop));
        let app = create_app(0, ContextOptions::default());
        let behavior = Behavior {
            compression: SHARED_COMPRESSOR | SHARED_DECOMPRESSOR,
            max_payload_length: MAX_MESSAGE as c_uint,
            idle_timeout: 0,
            max_backpressure: 0,
            close_on_backpressure_limit: false,
            reset_idle_timeout_on_send: false,
            send_pings_automatically: false,
            max_lifetime: 0,
            upgrade: None,
            open: None,
            message: Some(echo),
            drain: None,
            ping: None,
            pong: None,
            close: None,
            subscription: None,
        };
        ws(0, app, any.as_ptr(), behavior, *send as *mut c_void);
        listen(0, app, ListenConfig { port: port().into(), host: host.as_ptr(), options: 0 }, listening, app);
        for socket in listeners()? {
            send_unpaced(BorrowedFd::borrow_raw(socket))?;
        }
        run(event_loop, 0);
    }
    Ok(())
}
