//! The exports of a connector. Each returns 0 if the output is valid, with data or an error.

use crate::call::Call;
use crate::error::{Error, Kind};
use crate::host;
use crate::json::Json;
use crate::table::Connector;
use crate::value::Value;

/// Logs what a panic says: the caller only learns that the connector trapped. The host runs auth_schema before
/// the state is saved that calls start from, so that they find this done.
fn log_panics() {
    #[cfg(target_arch = "wasm32")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            std::panic::set_hook(Box::new(|info| {
                host::line(4, &info.to_string());
            }));
        });
    }
}

/// Writes the manifest.
pub fn describe(connector: &'static Connector) -> i32 {
    log_panics();
    code(host::output(&connector.manifest()))
}

/// Writes how the vendor authenticates.
pub fn auth_schema(connector: &'static Connector) -> i32 {
    log_panics();
    code(host::output(&connector.auth_schema()))
}

/// Runs the operation that the input names, and writes its outcome.
pub fn execute(connector: &'static Connector) -> i32 {
    log_panics();
    host::set_fault(false);
    let outcome = run(connector);
    if host::fault() {
        // Before the connector's own error, which may result from values that seemed absent.
        return code(write_fault());
    }
    code(match outcome {
        Ok(call) => call.flush(),
        Err(e) => host::output(&e.write()),
    })
}

fn run(connector: &'static Connector) -> Result<Call, Error> {
    let input = Value::INPUT.read(usize::MAX).ok_or_else(Error::of_host)?;
    let (mut entity, mut action, mut params) = (String::new(), String::new(), Json(b"{}"));
    // One pass, as the input may be long.
    for (name, value) in Json(&input).members() {
        match name {
            name if name.names("entity") => entity = value.text().unwrap_or_default(),
            name if name.names("action") => action = value.text().unwrap_or_default(),
            name if name.names("params") => params = value,
            _ => {}
        }
    }
    let found = connector.operations.iter().find(|op| op.entity == entity && op.action == action);
    let Some(operation) = found else {
        let message = format!("connector {} has no operation {entity}.{action}", connector.name);
        return Err(Error::new(Kind::UnknownOperation, message));
    };
    let mut call = Call::open(connector, operation, params)?;
    match operation.handle {
        Some(handle) => handle(&mut call)?,
        None => call.run()?,
    }
    Ok(call)
}

fn write_fault() -> Result<(), ()> {
    host::output(b"{\"error\":")?;
    host::output_value(host::last_error())?;
    host::output(b"}")
}

fn code(written: Result<(), ()>) -> i32 {
    i32::from(written.is_err())
}
