//! Draws up the SQL of the tables in `src/tables/`.

fn main() {
    tabellion_build::emit();
}
