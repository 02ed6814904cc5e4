"""Everything extracted as Parquet with a manifest, so that Planfix can be cancelled."""
