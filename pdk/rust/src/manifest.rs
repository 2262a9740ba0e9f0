//! What describe and auth_schema answer.

use crate::json::Writer;
use crate::table::{Connector, Field, Operation, Otherwise, Property, Schema, Scheme};

impl Connector {
    /// The manifest, as JSON.
    pub fn manifest(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.object(|w| {
            w.integer("abi", 1);
            w.text("name", self.name);
            w.text("title", self.title);
            w.text("version", self.version);
            w.text("description", self.description);
            w.text("docs_url", self.docs_url);
            w.list("servers", self.servers, |w, s| {
                w.object(|w| {
                    w.text("id", s.id);
                    w.text("url", s.url);
                    w.text("title", s.title);
                });
            });
            if let Some((entity, action)) = self.check {
                w.key("check");
                w.object(|w| {
                    w.text("entity", entity);
                    w.text("action", action);
                });
            }
            w.members(self.more);
            w.list("operations", self.operations, |w, op| op.write_to(w));
        });
        w.0
    }

    /// How the vendor authenticates, as JSON.
    pub fn auth_schema(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.object(|w| w.list("schemes", self.auth, |w, s| s.write(w)));
        w.0
    }
}

impl Scheme {
    fn write(&self, w: &mut Writer) {
        w.object(|w| {
            w.text("id", self.id);
            w.text("type", self.kind);
            w.text("title", self.title);
            w.text("description", self.description);
            w.list("fields", self.fields, |w, f| f.write(w));
            if !self.inject.is_empty() {
                w.list("inject", self.inject, |w, i| {
                    w.object(|w| {
                        w.text("in", i.place);
                        w.text("name", i.name);
                        w.text("value", i.value);
                    });
                });
            }
            if let Some((username, password)) = self.basic {
                w.key("basic");
                w.object(|w| {
                    w.key("username");
                    w.string(username);
                    w.key("password");
                    w.string(password);
                });
            }
            w.json("oauth2", self.oauth2);
            w.texts("origins", self.origins);
        });
    }
}

impl Field {
    fn write(&self, w: &mut Writer) {
        w.object(|w| {
            w.text("name", self.name);
            w.text("title", self.title);
            w.text("description", self.description);
            w.truth("secret", self.secret);
            w.truth("required", self.required);
            w.text("pattern", self.pattern);
            w.text("format", self.format);
        });
    }
}

impl Operation {
    fn write_to(&self, w: &mut Writer) {
        w.object(|w| {
            w.text("entity", self.entity);
            w.text("action", self.action);
            w.text("title", self.title);
            w.text("description", self.description);
            w.text("effect", self.effect.name());
            w.truth("idempotent", self.idempotent);
            w.text("permission", self.permission);
            let visible = self.all_params().into_iter().filter(|p| !p.constant);
            let properties: Vec<_> = visible.map(|p| Property { name: p.name, schema: p.schema, required: p.required }).collect();
            w.key("params");
            w.object(|w| {
                w.text("type", "object");
                write_properties(w, &properties);
            });
            let own = if self.method.is_empty() { None } else { Some((self.server, self.method, self.path)) };
            let requests: Vec<_> = own.into_iter().chain(self.requests.iter().map(|r| (r.server, r.method, r.path))).collect();
            w.list("requests", &requests, |w, (server, method, path)| {
                w.object(|w| {
                    w.text("server", server);
                    w.text("method", method);
                    w.text("path", path);
                });
            });
            if let Some(page) = &self.page {
                w.truth("paginated", true);
                w.truth("host_limit", page.no_limit);
                if page.aliases().count() > 0 {
                    w.key("aliases");
                    w.object(|w| page.aliases().for_each(|(vendor, uniform)| w.text(vendor, uniform)));
                }
            }
            w.members(self.more);
            if !self.examples.is_empty() {
                w.list("examples", self.examples, |w, example| w.put(example));
            }
        });
    }
}

impl Schema {
    fn write(&self, w: &mut Writer) {
        if !self.json.is_empty() {
            w.put(self.json);
            return;
        }
        w.object(|w| {
            w.text("type", self.kind);
            w.text("description", self.description);
            w.text("format", self.format);
            w.text("pattern", self.pattern);
            w.texts("enum", self.one_of);
            w.json("default", &self.assumed.json());
            let (least, most) = match self.kind {
                "string" => ("minLength", "maxLength"),
                "array" => ("minItems", "maxItems"),
                "object" => ("minProperties", "maxProperties"),
                _ => ("minimum", "maximum"),
            };
            for (name, bound) in [(least, self.min), (most, self.max)] {
                if let Some(n) = bound {
                    w.integer(name, n);
                }
            }
            if let Some(items) = self.items {
                w.key("items");
                items.write(w);
            }
            if let Some(properties) = self.properties {
                write_properties(w, properties);
            }
        });
    }
}

impl Otherwise {
    /// The value as JSON text, empty for nothing.
    pub(crate) fn json(&self) -> String {
        match self {
            Otherwise::Nothing => String::new(),
            Otherwise::Json(json) => json.to_string(),
            Otherwise::Number(n) => n.to_string(),
        }
    }
}

fn write_properties(w: &mut Writer, properties: &[Property]) {
    w.key("properties");
    w.object(|w| {
        for p in properties {
            w.key(p.name);
            p.schema.write(w);
        }
    });
    let required: Vec<_> = properties.iter().filter(|p| p.required).map(|p| p.name).collect();
    w.texts("required", &required);
    w.json("additionalProperties", "false");
}

impl Writer {
    /// Members that are JSON text already.
    fn members(&mut self, json: &str) {
        if !json.is_empty() {
            self.comma();
            self.put(json);
        }
    }
}
