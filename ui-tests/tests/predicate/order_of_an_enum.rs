use tabellion::{Scope, Table, Uuid};
use tabellion_ui_tests::TaskStatus;

#[derive(Scope)]
#[scope(role = "reader")]
pub struct Reader {
    #[setting("app.person")]
    pub person: Uuid,
    #[setting("app.status")]
    pub status: TaskStatus,
}

#[derive(Table)]
#[table(scope = Reader)]
#[no_rls(reason = "only members read it")]
#[index(columns(person, task))]
pub struct Member {
    #[column(primary_key, identity)]
    pub id: i64,
    pub person: Uuid,
    pub task: i64,
    pub most: TaskStatus,
}

#[derive(Table)]
#[table(scope = Reader)]
#[policy("up to a variant", select, using = status <= TaskStatus::Draft)]
#[policy("up to the scope's", insert, check = !(scope.status < status))]
#[policy("up to another column", update, using = status > least, check = status == least)]
#[policy("up to the member's", delete, using = exists(Member, |m| m.task == id && m.person == scope.person && m.most >= scope.status))]
#[check("labelled", label < TaskStatus::Sent)]
#[check("sent", TaskStatus::Sent >= status)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub status: TaskStatus,
    pub least: Option<TaskStatus>,
    #[column(type = "citext")]
    pub label: String,
}

fn main() {}
