//! `#[table(name = "…", schema = "…", scope = Path, external, renamed_from = "…", replaces = "…")]`

use syn::Attribute;

use super::Args;
use crate::Report;
use crate::ast::{At, Flag, PathRef};
use crate::predicate::SpanOf;

#[derive(Default)]
pub(crate) struct TableAttr {
    pub(crate) name: Option<At<String>>,
    pub(crate) schema: Option<At<String>>,
    pub(crate) scope: Option<PathRef>,
    pub(crate) external: Flag,
    pub(crate) renamed_from: Option<At<String>>,
    pub(crate) replaces: Option<At<String>>,
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
            "external" => {
                // Rightly written or not, it is meant.
                arg.flag(report);
                table.external = Some(SpanOf(arg.key.span()));
            }
            "renamed_from" => table.renamed_from = arg.string(report),
            "replaces" => table.replaces = arg.string(report),
            _ => arg.unknown(
                "table",
                "the options are `name`, `schema`, `scope`, `external`, `renamed_from` and `replaces`",
                report,
            ),
        }
    }
    table
}
