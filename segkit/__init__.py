"""segkit: trained, honestly measured segmentation models for biomedical images."""
