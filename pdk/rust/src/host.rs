//! The functions of the host. docs/abi.md specifies them. Outside of WebAssembly, module testing
//! has them.

use std::cell::Cell;

#[cfg(target_arch = "wasm32")]
mod functions {
    #[link(wasm_import_module = "agenthost")]
    extern "C" {
        fn value_length(handle: i32) -> i32;
        fn value_read(handle: i32, offset: u32, to: *mut u8, length: usize) -> i32;
        fn value_kind(handle: i32) -> i32;
        fn value_count(handle: i32) -> i32;
        fn value_part(handle: i32, pointer: *const u8, length: usize) -> i32;
        fn value_drop(handle: i32) -> i32;
        fn http_send(request: *const u8, length: usize, body: *const u8, body_length: usize) -> i32;
        fn http_status(handle: i32) -> i32;
        fn http_header(handle: i32, name: *const u8, length: usize) -> i32;
        fn output_write(bytes: *const u8, length: usize) -> i32;
        fn output_part(handle: i32) -> i32;
        fn sleep(milliseconds: i32) -> i32;
        fn log(level: i32, text: *const u8, length: usize) -> i32;
        fn error() -> i32;
    }

    // The host checks every argument and keeps no pointer, so that each of these calls is sound.

    pub fn length(handle: i32) -> i32 {
        unsafe { value_length(handle) }
    }

    pub fn read(handle: i32, offset: usize, to: &mut [u8]) -> i32 {
        unsafe { value_read(handle, offset as u32, to.as_mut_ptr(), to.len()) }
    }

    pub fn kind(handle: i32) -> i32 {
        unsafe { value_kind(handle) }
    }

    pub fn count(handle: i32) -> i32 {
        unsafe { value_count(handle) }
    }

    pub fn part(handle: i32, pointer: &str) -> i32 {
        unsafe { value_part(handle, pointer.as_ptr(), pointer.len()) }
    }

    pub fn free(handle: i32) -> i32 {
        unsafe { value_drop(handle) }
    }

    pub fn send(request: &[u8], body: &[u8]) -> i32 {
        unsafe { http_send(request.as_ptr(), request.len(), body.as_ptr(), body.len()) }
    }

    pub fn status(handle: i32) -> i32 {
        unsafe { http_status(handle) }
    }

    pub fn header(handle: i32, name: &str) -> i32 {
        unsafe { http_header(handle, name.as_ptr(), name.len()) }
    }

    pub fn write(bytes: &[u8]) -> i32 {
        unsafe { output_write(bytes.as_ptr(), bytes.len()) }
    }

    pub fn write_part(handle: i32) -> i32 {
        unsafe { output_part(handle) }
    }

    pub fn wait(milliseconds: i32) -> i32 {
        unsafe { sleep(milliseconds) }
    }

    pub fn line(level: i32, text: &str) -> i32 {
        unsafe { log(level, text.as_ptr(), text.len()) }
    }

    pub fn last_error() -> i32 {
        unsafe { error() }
    }
}

#[cfg(target_arch = "wasm32")]
pub(crate) use functions::*;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::functions::*;

thread_local! {
    /// A function of the host failed. The call ends with its error, and no other function is called: its
    /// failure would take the place of the first one.
    static FAULT: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn fault() -> bool {
    FAULT.get()
}

pub(crate) fn set_fault(fault: bool) {
    FAULT.set(fault);
}

/// The result of a function of the host, nothing if it failed.
pub(crate) fn checked(result: i32) -> Option<i32> {
    if result < 0 {
        set_fault(true);
        return None;
    }
    Some(result)
}

/// Appends text to the output.
pub(crate) fn output(text: &[u8]) -> Result<(), ()> {
    if !text.is_empty() && write(text) < 0 {
        return Err(());
    }
    Ok(())
}

/// Appends a value of the host to the output.
pub(crate) fn output_value(handle: i32) -> Result<(), ()> {
    if write_part(handle) < 0 {
        return Err(());
    }
    Ok(())
}
