//! `#[table(name = "…", schema = "…", scope = Path)]`

use syn::Attribute;

use super::Args;
use crate::Report;
use crate::ast::{At, PathRef};

#[derive(Default)]
pub(crate) struct TableAttr {
    pub(crate) name: Option<At<String>>,
    pub(crate) schema: Option<At<String>>,
    pub(crate) scope: Option<PathRef>,
    /// It was written, right or wrong: then it is not missing.
    pub(crate) scope_tried: bool,
}

pub(crate) fn table(attribute: &Attribute, report: &mut Report) -> TableAttr {
    let mut table = TableAttr::default();
    let Some(args) = Args::of(attribute, report) else {
        return table;
    };
    args.unique_keys(report);
    if let Some(leading) = &args.leading {
        report.at(
            leading.span(),
            "the table's name needs its key; write `name = \"...\"`",
        );
    }
    for arg in &args.rest {
        match arg.key.to_string().as_str() {
            "name" => table.name = arg.string(report),
            "schema" => table.schema = arg.string(report),
            "scope" => {
                table.scope_tried = true;
                table.scope = arg.path(report);
            }
            _ => arg.unknown(
                "table",
                "the options are `name`, `schema` and `scope`",
                report,
            ),
        }
    }
    table
}
