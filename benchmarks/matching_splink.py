"""Splink on the records that the matching models prepared; the yardstick of benchmarks.matching.

Runs in an environment of its own (benchmarks/splink.lock) and imports nothing of the project. It is
given what our rules are given: names folded to one script with nicknames resolved and the surname's
feminine ending taken off, phones in E.164, provider aliases folded, employers, recent trips, birth
dates. Values on more than 30 cards block nothing, or the pairs of one switchboard would outnumber
all others.

Reads records.csv of a folder; writes clusters_<n>.csv and splink.json there.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

import duckdb
import splink.comparison_level_library as levels
import splink.comparison_library as comparisons
from splink import Linker, SettingsCreator, block_on
from splink.internals.duckdb.database_api import DuckDBAPI

WEIGHTS = (3, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18)
MOST_HOLDERS = 30


def prepared_records(link: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Makes the table of records: text to arrays, crowded values out of the blocking columns."""
    link.execute(
        f"""
        create table read as
        select
            planfix_id as unique_id, given, surname, patronymic, full_name, birth_date,
            string_split(phones, ' ') as phones,
            string_split(emails, ' ') as emails,
            string_split(employers, '|') as employers,
            string_split(trips, '|') as trips
        from read_csv('{path}', header = true, all_varchar = true, nullstr = '')
        """
    )
    for column in ("phones", "emails"):
        link.execute(
            f"""
            create table rare_{column} as
            select unique_id, list(value) as kept from (
                select unique_id, value, count(*) over (partition by value) as holders
                from (select unique_id, unnest({column}) as value from read)
            )
            where holders <= {MOST_HOLDERS}
            group by unique_id
            """
        )
    link.execute(
        """
        create table records as
        select
            read.*,
            rare_phones.kept as rare_phones,
            rare_emails.kept as rare_emails
        from read
        left join rare_phones on read.unique_id = rare_phones.unique_id
        left join rare_emails on read.unique_id = rare_emails.unique_id
        """
    )


def name_comparison(column: str) -> comparisons.CustomComparison:
    """Equal (weighted by rarity), by initial, alike, different."""
    left, right = f'"{column}_l"', f'"{column}_r"'
    return comparisons.CustomComparison(
        output_column_name=column,
        comparison_levels=[
            levels.NullLevel(column),
            levels.ExactMatchLevel(column, term_frequency_adjustments=True),
            levels.CustomLevel(
                f"least(length({left}), length({right})) = 1 "
                f"and left({left}, 1) = left({right}, 1)",
                label_for_charts="initial",
            ),
            levels.JaroWinklerLevel(column, 0.92),
            levels.JaroWinklerLevel(column, 0.85),
            levels.ElseLevel(),
        ],
    )


def settings() -> SettingsCreator:
    """Returns the model."""
    return SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            name_comparison("given"),
            name_comparison("surname"),
            comparisons.ExactMatch("patronymic"),
            comparisons.ExactMatch("birth_date"),
            comparisons.ArrayIntersectAtSizes("rare_phones", [1]),
            comparisons.ArrayIntersectAtSizes("rare_emails", [1]),
            comparisons.ArrayIntersectAtSizes("employers", [1]),
            comparisons.ArrayIntersectAtSizes("trips", [1]),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("rare_phones", arrays_to_explode=["rare_phones"]),
            block_on("rare_emails", arrays_to_explode=["rare_emails"]),
            block_on("full_name"),
        ],
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
    )


def main(folder: Path) -> None:
    """Runs Splink on a folder."""
    link = duckdb.connect()
    link.execute("set threads to 2")
    prepared_records(link, folder / "records.csv")
    started, cpu = time.perf_counter(), time.process_time()
    linker = Linker(DuckDBAPI(link).register("records"), settings(), log_level=logging.ERROR)
    training = linker.training
    training.estimate_probability_two_random_records_match(
        [block_on("full_name", "rare_phones", arrays_to_explode=["rare_phones"])], recall=0.5
    )
    training.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    # what a session blocks on it cannot learn: one session for the names, one for the rest
    for rule in ("l.rare_phones[1] = r.rare_phones[1]", "l.full_name = r.full_name"):
        training.estimate_parameters_using_expectation_maximisation(rule)
    learned = time.perf_counter() - started
    predicted = linker.inference.predict(threshold_match_weight=min(WEIGHTS) - 6)
    predicted_after = time.perf_counter() - started
    runs = []
    for weight in WEIGHTS:
        at = time.perf_counter()
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
            predicted, threshold_match_weight=weight
        )
        seconds = time.perf_counter() - at
        link.execute(
            f"copy (select unique_id, cluster_id from {clusters.physical_name}) "
            f"to '{folder / f'clusters_{weight}.csv'}' (header)"
        )
        runs.append({"weight": weight, "seconds": predicted_after + seconds, "training": learned})
    (folder / "splink.json").write_text(
        json.dumps({"runs": runs, "cpu": time.process_time() - cpu}), encoding="utf-8"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
