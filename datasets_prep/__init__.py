"""Raw downloads -> prepared stores, one file per dataset, and the shipped parts of the stand-ins."""
