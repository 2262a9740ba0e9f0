//! The kit for writing agenthost connectors in Rust.
//!
//! A connector teaches agenthost a vendor's API. It is one WebAssembly file that runs in a sandbox without
//! network, files and credentials. It asks the host to send its requests, and the host sends only
//! those that the connector declared.
//!
//! # A connector is a table
//!
//! A [`Connector`] says who the vendor is, where its API is and how it authenticates, and has a row
//! for each operation. The kit makes the manifest from the rows, with a JSON Schema for each
//! operation, and executes them.
//!
//! ```
//! use agenthost_pdk::*;
//!
//! static CONNECTOR: Connector = Connector {
//!     description: "Greets people in many languages.",
//!     servers: &[Server::new("main", "https://api.hello.example")],
//!     auth: &[Scheme {
//!         fields: &[Field::secret("api_key", "API key")],
//!         inject: &[Injection::header("X-Api-Key", "{api_key}")],
//!         origins: &["https://api.hello.example"],
//!         ..Scheme::new("api_key", "api_key")
//!     }],
//!     operations: &[Operation {
//!         method: "GET",
//!         path: "/greetings/{name}",
//!         params: &[
//!             Param::path("name", Schema::string("Who is greeted.").min(1).max(100)),
//!             Param::query("language", Schema::string("Language of the greeting, such as de.").max(10)),
//!         ],
//!         data: "/greeting",
//!         examples: &[r#"{"name":"Ada","language":"de"}"#],
//!         ..Operation::read("greetings", "get", "A greeting for somebody, in a language.")
//!     }],
//!     ..Connector::new("hello", "Hello", "1.0.0")
//! };
//!
//! agenthost_pdk::export!(CONNECTOR);
//! # fn main() {}
//! ```
//!
//! What a table cannot say goes into [`Operation::handle`], a function that may send several requests
//! or build its own body. It uses the same steps as the kit: [`Call::request`], [`Call::perform`],
//! [`Call::respond`].
//!
//! # Values stay in the host
//!
//! The body of a response is a [`Value`]: a handle of data that the host keeps. A connector takes a part of it
//! by JSON Pointer and puts it into the result; a list of a megabyte costs it no more than one of a
//! kilobyte, and numbers stay as the vendor wrote them. If a function of the host fails, values are
//! absent and the call ends with the host's error, so there is no need to check each step.
//!
//! # Building and testing
//!
//! ```sh
//! cargo build --release --target wasm32-unknown-unknown
//! ```
//!
//! with `crate-type = ["cdylib", "rlib"]` in `Cargo.toml`. The same code compiles natively, and [`testing`] runs it in ordinary
//! tests. A call starts from a fresh copy of the module's memory, so a connector keeps no state
//! between calls.
//!
//! `docs/abi.md` of agenthost specifies what the kit speaks with the host.

#![forbid(unsafe_op_in_unsafe_fn)]
#![warn(missing_docs)]

mod call;
mod error;
mod export;
mod failures;
mod host;
mod json;
mod manifest;
mod page;
mod request;
mod table;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod value;

pub use call::Call;
pub use error::{Error, Kind};
pub use export::{auth_schema, describe, execute};
pub use failures::{Condition, Failures};
pub use json::{Json, JsonKind};
pub use page::{By, Page};
pub use request::{Request, Response};
pub use table::{
    Connector, Effect, Field, Handle, Injection, Meta, Operation, Param, Place, Property, Schema, Scheme, Server, Style, Template,
};
pub use value::Value;

/// Makes the three exports of a connector, which is a static.
#[macro_export]
macro_rules! export {
    ($connector:path) => {
        /// Writes what the connector can do.
        #[cfg_attr(target_arch = "wasm32", no_mangle)]
        pub extern "C" fn describe() -> i32 {
            $crate::describe(&$connector)
        }

        /// Writes how the vendor authenticates.
        #[cfg_attr(target_arch = "wasm32", no_mangle)]
        pub extern "C" fn auth_schema() -> i32 {
            $crate::auth_schema(&$connector)
        }

        /// Runs one operation.
        #[cfg_attr(target_arch = "wasm32", no_mangle)]
        pub extern "C" fn execute() -> i32 {
            $crate::execute(&$connector)
        }
    };
}
